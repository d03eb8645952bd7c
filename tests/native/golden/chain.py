# kernel   over 10000 -> sum (), add (10000)
# scratch memory: 0 bytes

def chain(x):
    m13 = 0
    m30 = empty((10000,), 'float64')
    for i in range(10000):  # in blocks of 4096
        v0 = x[i] / 2
        v1 = v0 + 1
        v2 = tanh(v1)
        v3 = -v2
        v4 = v3 * v2
        v5 = exp(v4)
        v6 = sin(x[i])
        v7 = v5 * v6
        v8 = v2 * v2
        v9 = 1 + v8
        v10 = log(v9)
        v11 = v10 * x[i]
        v12 = v7 + v11
        m13 += v12
        v14 = cos(x[i])
        v15 = guarded_multiply(v5, v14)
        v16 = v10 + v15
        v17 = 1 / v9
        v18 = guarded_multiply(x[i], v17)
        v19 = guarded_multiply(v18, v2)
        v20 = v19 + v19
        v21 = guarded_multiply(v6, v5)
        v22 = guarded_multiply(v21, v3)
        v23 = v20 + v22
        v24 = guarded_multiply(v21, v2)
        v25 = -v24
        v26 = v23 + v25
        v27 = 1 - v8
        v28 = guarded_multiply(v26, v27)
        v29 = 0.5 * v28
        v30 = v16 + v29
        m30[i] = v30
    return m13, m30
