# product  (40, 9) @ (9) -> (40) float64
# kernel   over 40 -> unbroadcast (), sum (), guarded_multiply (40)
# kernel   over one number -> divide ()
# product  (9, 40) @ (40) -> (9) float64
# scratch memory: 704 bytes

def logistic(w, b, x, y):
    m1 = x @ w  # BLAS
    m16 = 0
    m5 = 0
    m14 = empty((40,), 'float64')
    for i in range(40):
        v0 = -y[i]
        v2 = m1[i] + b
        v3 = v0 * v2
        v4 = logaddexp(0.0, v3)
        v8 = v4 == (-inf)
        v9 = where(v8, 0.0, v4)
        v10 = v3 - v9
        v11 = exp(v10)
        v13 = v11 * 0.025
        v14 = guarded_multiply(v13, v0)
        m16 += v14
        m5 += v4
        m14[i] = v14
    v6 = m5 / 40.0
    m6 = v6
    m15 = x.T @ m14  # BLAS
    return m6, m15, m16
