# kernel   over one number -> divide (), add (), add ()
# scratch memory: 0 bytes

def scalar(x, y):
    v0 = -y
    v1 = exp(v0)
    v2 = 1 + v1
    v3 = 1.0 / v2
    v4 = x + v3
    v5 = -x
    v6 = exp(v5)
    v7 = 1 + v6
    v8 = 1.0 / v7
    v9 = x + y
    v10 = v9 ** 2
    v11 = v8 + v10
    v12 = v4 / v11
    v13 = -v12
    v14 = v13 / v11
    v15 = 2 * v9
    v16 = guarded_multiply(v14, v15)
    v17 = v12 / v11
    v18 = v6 > 1.0
    v19 = 1.0 - v8
    v20 = v6 * v8
    v21 = where(v18, v19, v20)
    v22 = v8 * v21
    v23 = guarded_multiply(v17, v22)
    v24 = -v23
    v25 = v16 + v24
    v26 = 1 / v11
    v27 = v25 + v26
    v28 = v1 > 1.0
    v29 = 1.0 - v3
    v30 = v1 * v3
    v31 = where(v28, v29, v30)
    v32 = v3 * v31
    v33 = -v32
    v34 = guarded_multiply(v26, v33)
    v35 = -v34
    v36 = v16 + v35
    m12 = v12
    m27 = v27
    m36 = v36
    return m12, m27, m36
