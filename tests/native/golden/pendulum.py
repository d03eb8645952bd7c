# loop     199 turns -> (599) float64
# kernel   over one number -> add (), add (), add ()
# loop     198 turns -> (398) float64
# kernel   over one number -> identity (), add ()
# loop     198 turns -> (1) float64
# kernel   over one number -> add ()
# scratch memory: 8,064 bytes

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
    v5 = -dt
    v20 = guarded_multiply(v5, m0[598])
    v21 = m0[199] + v20
    v6 = guarded_multiply(v5, dt)
    v8 = cos(m0[399])
    v9 = guarded_multiply(v6, v8)
    v10 = 1.0 + v9
    m4 = v4
    m21 = v21
    m10 = v10
    m11 = empty((398,), 'float64')
    m11[0] = m10
    c11_0 = m10
    c11_1 = dt
    for t in range(198):
        v11_0 = guarded_multiply(c11_0, dt)
        v11_1 = c11_1 + v11_0
        v11_2 = -v11_1
        v11_3 = guarded_multiply(v11_2, dt)
        v11_4 = cos(m0[398 - t])
        v11_5 = guarded_multiply(v11_3, v11_4)
        v11_6 = c11_0 + v11_5
        m11[t + 1] = v11_6
        m11[t + 200] = v11_2
        c11_0, c11_1 = v11_6, v11_1
    m11[199] = v11_1
    v16 = guarded_multiply(m11[198], dt)
    v17 = m11[199] + v16
    m13 = m11[198]
    m17 = v17
    m22 = empty((1,), 'float64')
    c22_0 = m21
    for t in range(198):
        v22_0 = guarded_multiply(m11[t], m0[198 - t])
        v22_1 = c22_0 + v22_0
        v22_2 = guarded_multiply(m11[t + 200], m0[597 - t])
        v22_3 = v22_1 + v22_2
        c22_0 = v22_3
    m22[0] = v22_3
    v26 = guarded_multiply(m11[198], m0[0])
    v27 = m22[0] + v26
    m27 = v27
    return m4, m13, m17, m27
