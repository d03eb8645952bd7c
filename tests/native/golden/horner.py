# kernel   over one number -> identity (1), identity (1), multiply ()
# loop     63 turns -> (64) float64
# kernel   over one number -> add ()
# loop     62 turns -> (64) float64
# kernel   over one number -> add ()
# in place joined -> (64) float64
# kernel   over 62 -> identity (62)
# scratch memory: 1,088 bytes

def horner(x, coefficients, constant_0):
    m20 = empty((64,), 'float64')
    v13 = constant_0[62:63][0] + x
    v0 = 0.0 * x
    m20[62] = v13
    m20[63] = constant_0[63:64][0]
    m0 = v0
    m1 = empty((64,), 'float64')
    c1_0 = m0
    for t in range(63):
        v1_0 = c1_0 + coefficients[t]
        v1_1 = v1_0 * x
        m1[t + 1] = v1_0
        c1_0 = v1_1
    m1[0] = v1_1
    v4 = m1[0] + coefficients[63]
    m4 = v4
    m6 = empty((64,), 'float64')
    m6[0] = x
    c6_0 = x
    c6_1 = m1[63]
    for t in range(62):
        v6_0 = guarded_multiply(c6_0, x)
        v6_1 = guarded_multiply(c6_0, m1[62 - t])
        v6_2 = c6_1 + v6_1
        m6[t + 1] = v6_0
        c6_0, c6_1 = v6_0, v6_2
    m6[63] = v6_2
    v9 = 0.0 * m6[62]
    v10 = m6[63] + v9
    m10 = v10
    for i in range(62):
        m20[i] = m6[62:0:-1][i]
    return m4, m10, m20
