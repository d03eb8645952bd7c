# loop     199 turns -> (599) float64
# kernel   over one number -> add (), add (), add ()
# kernel   over 198 -> cos (198)
# loop     198 turns -> (4) float64
# kernel   over one number -> identity (), add (), add ()
# scratch memory: 6,528 bytes

def pendulum(th, om, dt):
    m0 = empty((599,), 'float64')
    m0[0] = om
    m0[200] = th
    c0_0 = om
    c0_1 = th
    for t in range(199):
        v0_0 = dt * c0_0
        v0_1 = c0_1 + v0_0
        v0_2 = sin(v0_1)
        v0_3 = dt * v0_2
        v0_4 = c0_0 - v0_3
        m0[t + 1] = v0_4
        m0[t + 201] = v0_1
        m0[t + 400] = v0_2
        c0_0, c0_1 = v0_4, v0_1
    v3 = dt * m0[199]
    v4 = m0[399] + v3
    v7 = -dt
    v8 = guarded_multiply(v7, dt)
    v10 = cos(m0[399])
    v11 = guarded_multiply(v8, v10)
    v12 = 1.0 + v11
    v15 = guarded_multiply(v7, m0[598])
    v16 = m0[199] + v15
    m4 = v4
    m12 = v12
    m16 = v16
    m6 = empty((198,), 'float64')
    for i in range(198):
        v6 = cos(m0[201:399][i])
        m6[i] = v6
    m17 = empty((4,), 'float64')
    c17_0 = m12
    c17_1 = dt
    c17_2 = m16
    for t in range(198):
        v17_0 = guarded_multiply(c17_0, dt)
        v17_1 = c17_1 + v17_0
        v17_2 = guarded_multiply(v17_1, dt)
        v17_3 = guarded_multiply(v17_2, m6[197 - t])
        v17_4 = c17_0 - v17_3
        v17_5 = guarded_multiply(c17_0, m0[198 - t])
        v17_6 = c17_2 + v17_5
        v17_7 = guarded_multiply(v17_1, m0[597 - t])
        v17_8 = v17_6 - v17_7
        v17_9 = -v17_1
        c17_0, c17_1, c17_2 = v17_4, v17_1, v17_8
    m17[0] = v17_4
    m17[1] = v17_1
    m17[2] = v17_9
    m17[3] = v17_8
    v22 = guarded_multiply(m17[0], dt)
    v23 = m17[1] + v22
    v27 = guarded_multiply(m17[0], m0[0])
    v28 = m17[3] + v27
    m19 = m17[0]
    m23 = v23
    m28 = v28
    return m4, m19, m23, m28
