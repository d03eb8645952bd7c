# kernel   over 6 x 9, row by row -> add (6, 9), sum ()
# kernel   over one number -> negative ()
# scratch memory: 448 bytes

def softmax_rows(x, y):
    row_of_v2 = empty((9,))
    m7 = 0
    row_of_v14 = empty((9,))
    row_of_v21 = empty((9,))
    m30 = empty((6, 9), 'float64')
    for i in range(6):
        v0 = -inf
        for j in range(9):
            v0 = maximum(v0, x[i, j])
        v3 = 0
        v27 = 0
        for j in range(9):
            v1 = x[i, j] - v0
            v2 = exp(v1)
            row_of_v2[j] = v2
            v3 += v2
            v24 = x[i, j] == v0
            v25 = v24 != 0
            v26 = astype(v25, dtype='int64')
            v27 += v26
        v13 = 1 / v3
        v18 = 0
        for j in range(9):
            v4 = row_of_v2[j] / v3
            v5 = log(v4)
            v6 = y[i, j] * v5
            m7 += v6
            v10 = y[i, j] * (-1.0)
            v11 = 1 / v4
            v12 = guarded_multiply(v10, v11)
            v14 = guarded_multiply(v12, v13)
            row_of_v14[j] = v14
            v15 = -v4
            v16 = v15 / v3
            v17 = guarded_multiply(v12, v16)
            v18 += v17
        v23 = 0
        for j in range(9):
            v20 = row_of_v14[j] + v18
            v21 = guarded_multiply(v20, row_of_v2[j])
            row_of_v21[j] = v21
            v22 = -v21
            v23 += v22
        v28 = v23 / v27
        for j in range(9):
            v24 = x[i, j] == v0
            v29 = v28 * v24
            v30 = row_of_v21[j] + v29
            m30[i, j] = v30
    v8 = -m7
    m8 = v8
    return m8, m30
