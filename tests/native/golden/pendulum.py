# loop     199 turns -> (599) float64
# kernel   over one number -> add (), add (), add ()
# loop     198 turns -> (4) float64
# kernel   over one number -> identity (), add (), add ()
# scratch memory: 4,928 bytes

def pendulum(th, om, dt):
    m0 = empty((599,), 'float64')
    m0[0] = om
    c0_0 = om
    c0_1 = th
    for t in range(199):
        v0_0 = dt * c0_0
        v0_1 = c0_1 + v0_0
        v0_2 = sin(v0_1)
        v0_3 = dt * v0_2
        v0_4 = c0_0 - v0_3
        v0_5 = cos(v0_1)
        m0[t + 1] = v0_4
        m0[t + 201] = v0_2
        m0[t + 400] = v0_5
        c0_0, c0_1 = v0_4, v0_1
    m0[200] = v0_1
    v3 = dt * m0[199]
    v4 = m0[200] + v3
    v5 = -dt
    v6 = guarded_multiply(v5, dt)
    v8 = cos(m0[200])
    v9 = guarded_multiply(v6, v8)
    v10 = 1.0 + v9
    v13 = guarded_multiply(v5, m0[399])
    v14 = m0[199] + v13
    m4 = v4
    m10 = v10
    m14 = v14
    m15 = empty((4,), 'float64')
    c15_0 = m10
    c15_1 = dt
    c15_2 = m14
    for t in range(198):
        v15_0 = guarded_multiply(c15_0, dt)
        v15_1 = c15_1 + v15_0
        v15_2 = guarded_multiply(v15_1, dt)
        v15_3 = guarded_multiply(v15_2, m0[597 - t])
        v15_4 = c15_0 - v15_3
        v15_5 = guarded_multiply(c15_0, m0[198 - t])
        v15_6 = c15_2 + v15_5
        v15_7 = guarded_multiply(v15_1, m0[398 - t])
        v15_8 = v15_6 - v15_7
        v15_9 = -v15_1
        c15_0, c15_1, c15_2 = v15_4, v15_1, v15_8
    m15[0] = v15_4
    m15[1] = v15_1
    m15[2] = v15_9
    m15[3] = v15_8
    v20 = guarded_multiply(m15[0], dt)
    v21 = m15[1] + v20
    v25 = guarded_multiply(m15[0], m0[0])
    v26 = m15[3] + v25
    m17 = m15[0]
    m21 = v21
    m26 = v26
    return m4, m17, m21, m26
