# product  (40, 9) @ (9) -> (40) float64
# kernel   over 40 -> unbroadcast (), sum (), guarded_multiply (40)
# kernel   over one number -> divide ()
# product  (9, 40) @ (40) -> (9) float64
# scratch memory: 704 bytes

def logistic(w, b, x, y):
    m1 = x @ w  # BLAS
    m14 = 0
    m5 = 0
    m12 = empty((40,), 'float64')
    for i in range(40):
        v0 = -y[i]
        v2 = m1[i] + b
        v3 = v0 * v2
        v4 = logaddexp(0.0, v3)
        v8 = v3 - v4
        v9 = exp(v8)
        v11 = v9 * 0.025
        v12 = guarded_multiply(v11, v0)
        m14 += v12
        m5 += v4
        m12[i] = v12
    v6 = m5 / 40.0
    m6 = v6
    m13 = x.T @ m12  # BLAS
    return m6, m13, m14
