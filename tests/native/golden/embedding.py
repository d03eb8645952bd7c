# kernel   over 4 x 5 -> sum (), guarded_multiply (4, 5)
# kernel   over 4 -> all ()
# kernel   over 20 x 5 -> identity (20, 5)
# in place accumulated -> (20, 5) float64
# scratch memory: 256 bytes

def embedding(table, which, constant_0):
    m3 = 0
    m6 = empty((4, 5), 'float64')
    for i in range(4):
        for j in range(5):
            v0 = table[which[i], j]
            v1 = exp(v0)
            v2 = v1 * 2
            m3 += v2
            v6 = guarded_multiply(constant_0[i, j], v1)
            m6[i, j] = v6
    m11 = True
    for i in range(4):
        v8 = which[i] >= (-20)
        v9 = which[i] < 20
        v10 = logical_and(v8, v9)
        m11 &= v10
    m7 = empty((20, 5), 'float64')
    for i, j in ndindex(20, 5):
        m7[i, j] = 0.0
    m7 = accumulated(m7, m6, which, index=(SLOT, slice(None, None, None)))
    return m3, m7
