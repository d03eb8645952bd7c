# loop     199 turns -> (599) float64
# kernel   over one number -> add (), add (), add ()
# kernel   over 198 -> cos (198)
# loop     198 turns -> (398) float64
# kernel   over one number -> identity (), add ()
# loop     198 turns -> (1) float64
# kernel   over one number -> add ()
# scratch memory: 9,664 bytes

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
    v22 = guarded_multiply(v7, m0[598])
    v23 = m0[199] + v22
    v8 = guarded_multiply(v7, dt)
    v10 = cos(m0[399])
    v11 = guarded_multiply(v8, v10)
    v12 = 1.0 + v11
    m4 = v4
    m23 = v23
    m12 = v12
    m6 = empty((198,), 'float64')
    for i in range(198):
        v6 = cos(m0[201:399][i])
        m6[i] = v6
    m13 = empty((398,), 'float64')
    m13[0] = m12
    c13_0 = m12
    c13_1 = dt
    for t in range(198):
        v13_0 = guarded_multiply(c13_0, dt)
        v13_1 = c13_1 + v13_0
        v13_2 = -v13_1
        v13_3 = guarded_multiply(v13_2, dt)
        v13_4 = guarded_multiply(v13_3, m6[197 - t])
        v13_5 = c13_0 + v13_4
        m13[t + 1] = v13_5
        m13[t + 200] = v13_2
        c13_0, c13_1 = v13_5, v13_1
    m13[199] = v13_1
    v18 = guarded_multiply(m13[198], dt)
    v19 = m13[199] + v18
    m15 = m13[198]
    m19 = v19
    m24 = empty((1,), 'float64')
    c24_0 = m23
    for t in range(198):
        v24_0 = guarded_multiply(m13[t], m0[198 - t])
        v24_1 = c24_0 + v24_0
        v24_2 = guarded_multiply(m13[t + 200], m0[597 - t])
        v24_3 = v24_1 + v24_2
        c24_0 = v24_3
    m24[0] = v24_3
    v28 = guarded_multiply(m13[198], m0[0])
    v29 = m24[0] + v28
    m29 = v29
    return m4, m15, m19, m29
