"""The pool of threads behind `chainrule.native.runtime.threads`, as LLVM IR.

One pool of threads serves the whole process, one caller at a time; another that finds it busy
(also one from inside a part) runs all its parts itself. The threads start at first use. They take
the next part from a ticket that holds the number of the loop, the next part and the number of parts
in one word, so that a thread that wakes too late finds nothing to do, and the caller never waits
for one that has not begun. After a while without work they sleep. A forked child, which inherits
memory but no threads, sees by the process's number that the pool is its parent's and makes its own.
"""

from __future__ import annotations

import os
import platform
import sys

__all__ = ["definitions"]

_PARTS = 32767  # of a loop that are shared out: the ticket has 16 bits for them
_PAUSES = 4  # processor's pauses between two looks at the ticket
_YIELD = 16  # looks, after which another thread may have the processor
_LOOKS = 400  # before a thread sleeps: about 50 us
_BLOCK_ALL_SIGNALS = 3 if sys.platform == "darwin" else 2  # SIG_SETMASK

_RELAX = {
    "x86_64": "call void @llvm.x86.sse2.pause()",
    "aarch64": "call void @llvm.aarch64.hint(i32 1)",
    "arm64": "call void @llvm.aarch64.hint(i32 1)",
}.get(platform.machine(), "")

# Offsets in a pool. Mutexes, conditions and signal sets take at most 128 bytes on any system.
_TICKET, _DONE, _SLEEPERS, _BUSY, _WORKERS, _OWNER = 0, 64, 128, 192, 196, 200
_FUNCTION, _CONTEXT, _COUNT, _MUTEX, _CONDITION, _SIZE = 256, 264, 272, 320, 448, 576


def definitions() -> str:
    """Return the IR that is linked once in a process."""
    if os.name != "posix":
        return _SERIAL + "define void @cr.parallel" + _SERIAL_BODY
    return _SERIAL + "define internal void @serial" + _SERIAL_BODY + _POOL


_SERIAL = """\
@cr.threads = global i32 1

define internal i64 @bound(i64 %count, i64 %parts, i64 %index) nounwind {
  %each = udiv i64 %count, %parts
  %rest = urem i64 %count, %parts
  %whole = mul i64 %each, %index
  %extra = call i64 @llvm.umin.i64(i64 %rest, i64 %index)
  %bound = add i64 %whole, %extra
  ret i64 %bound
}

"""

_SERIAL_BODY = """\
(ptr %function, ptr %context, i64 %count, i64 %given) {
entry:
  %threads = load atomic i32, ptr @cr.threads monotonic, align 4
  %default = zext i32 %threads to i64
  %unsaid = icmp sle i64 %given, 0
  %wanted = select i1 %unsaid, i64 %default, i64 %given
  %parts = call i64 @llvm.smin.i64(i64 %wanted, i64 %count)
  br label %head
head:
  %index = phi i64 [ 0, %entry ], [ %next, %part ]
  %more = icmp slt i64 %index, %parts
  br i1 %more, label %part, label %done
part:
  %next = add i64 %index, 1
  %begin = call i64 @bound(i64 %count, i64 %parts, i64 %index)
  %end = call i64 @bound(i64 %count, i64 %parts, i64 %next)
  call void %function(ptr %context, i64 %begin, i64 %end, i64 %index)
  br label %head
done:
  ret void
}

"""


def _at(pool: str, name: str, offset: int) -> str:
    return f"%{name} = getelementptr i8, ptr {pool}, i64 {offset}"


_POOL = f"""\
@pool = internal global ptr null

declare i32 @getpid() nounwind
declare i32 @sched_yield() nounwind
declare ptr @malloc(i64) nounwind
declare void @free(ptr) nounwind
declare i32 @pthread_mutex_init(ptr, ptr) nounwind
declare i32 @pthread_mutex_lock(ptr) nounwind
declare i32 @pthread_mutex_unlock(ptr) nounwind
declare i32 @pthread_cond_init(ptr, ptr) nounwind
declare i32 @pthread_cond_wait(ptr, ptr) nounwind
declare i32 @pthread_cond_broadcast(ptr) nounwind
declare i32 @pthread_create(ptr, ptr, ptr, ptr) nounwind
declare i32 @pthread_detach(ptr) nounwind
declare i32 @pthread_sigmask(i32, ptr, ptr) nounwind
declare i32 @sigfillset(ptr) nounwind

; A ticket: bits 32.. number of the loop, bits 16..31 next part, bits 0..15 number of parts.
define internal i1 @open(i64 %ticket) alwaysinline nounwind {{
  %parts = and i64 %ticket, 65535
  %shifted = lshr i64 %ticket, 16
  %next = and i64 %shifted, 65535
  %open = icmp ult i64 %next, %parts
  ret i1 %open
}}

; Take parts and run them until none is left. Whoever has taken a part may read the loop's fields:
; the caller waits for that part before it changes them.
define internal void @work(ptr %pool) {{
entry:
  {_at("%pool", "ticket.at", _TICKET)}
  {_at("%pool", "done.at", _DONE)}
  {_at("%pool", "function.at", _FUNCTION)}
  {_at("%pool", "context.at", _CONTEXT)}
  {_at("%pool", "count.at", _COUNT)}
  br label %look
look:
  %ticket = load atomic i64, ptr %ticket.at seq_cst, align 8
  %open = call i1 @open(i64 %ticket)
  br i1 %open, label %take, label %nothing
take:
  %after = add i64 %ticket, 65536
  %exchange = cmpxchg ptr %ticket.at, i64 %ticket, i64 %after seq_cst seq_cst, align 8
  %taken = extractvalue {{ i64, i1 }} %exchange, 1
  br i1 %taken, label %part, label %look
part:
  %function = load ptr, ptr %function.at
  %context = load ptr, ptr %context.at
  %count = load i64, ptr %count.at
  %parts = and i64 %ticket, 65535
  %shifted = lshr i64 %ticket, 16
  %index = and i64 %shifted, 65535
  %index.next = add i64 %index, 1
  %begin = call i64 @bound(i64 %count, i64 %parts, i64 %index)
  %end = call i64 @bound(i64 %count, i64 %parts, i64 %index.next)
  call void %function(ptr %context, i64 %begin, i64 %end, i64 %index)
  %before = atomicrmw add ptr %done.at, i64 1 seq_cst, align 8
  br label %look
nothing:
  ret void
}}

; Wait a moment; after some of them, let another thread have the processor.
define internal void @pause(i32 %looks) noinline nounwind {{
entry:
  br label %again
again:
  %i = phi i32 [ 0, %entry ], [ %next, %again ]
  {_RELAX}
  %next = add i32 %i, 1
  %more = icmp slt i32 %next, {_PAUSES}
  br i1 %more, label %again, label %rested
rested:
  %phase = urem i32 %looks, {_YIELD}
  %long = icmp eq i32 %phase, {_YIELD - 1}
  br i1 %long, label %yield, label %done
yield:
  %ignored = call i32 @sched_yield()
  ret void
done:
  ret void
}}

; One thread of the pool, for ever.
define internal ptr @worker(ptr %pool) {{
entry:
  {_at("%pool", "ticket.at", _TICKET)}
  {_at("%pool", "sleepers.at", _SLEEPERS)}
  {_at("%pool", "mutex", _MUTEX)}
  {_at("%pool", "condition", _CONDITION)}
  br label %begin
begin:
  call void @work(ptr %pool)
  br label %spin
spin:
  %looks = phi i32 [ 0, %begin ], [ %looks.next, %wait ]
  %ticket = load atomic i64, ptr %ticket.at seq_cst, align 8
  %open = call i1 @open(i64 %ticket)
  br i1 %open, label %begin, label %wait.or.sleep
wait.or.sleep:
  %tired = icmp sge i32 %looks, {_LOOKS}
  br i1 %tired, label %sleep, label %wait
wait:
  call void @pause(i32 %looks)
  %looks.next = add i32 %looks, 1
  br label %spin
sleep:
  %locked = call i32 @pthread_mutex_lock(ptr %mutex)
  ; Announced before the ticket is read again, and a caller writes the ticket before it counts the
  ; sleepers: one of the two sees the other.
  %one.more = atomicrmw add ptr %sleepers.at, i64 1 seq_cst, align 8
  br label %dream
dream:
  %ticket.now = load atomic i64, ptr %ticket.at seq_cst, align 8
  %open.now = call i1 @open(i64 %ticket.now)
  br i1 %open.now, label %wake, label %dream.on
dream.on:
  %woken = call i32 @pthread_cond_wait(ptr %condition, ptr %mutex)
  br label %dream
wake:
  %one.less = atomicrmw sub ptr %sleepers.at, i64 1 seq_cst, align 8
  %unlocked = call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %begin
}}

; The pool of this process, or null if there is no memory for one.
define internal ptr @find() nounwind {{
entry:
  %me = call i32 @getpid()
  %old = load atomic ptr, ptr @pool seq_cst, align 8
  %none = icmp eq ptr %old, null
  br i1 %none, label %make, label %compare
compare:
  {_at("%old", "owner.at", _OWNER)}
  %owner = load i32, ptr %owner.at
  %mine = icmp eq i32 %owner, %me
  br i1 %mine, label %found, label %make
found:
  ret ptr %old
make:
  %new = call ptr @malloc(i64 {_SIZE})
  %failed = icmp eq ptr %new, null
  br i1 %failed, label %nothing, label %fill
nothing:
  ret ptr null
fill:
  call void @llvm.memset.p0.i64(ptr %new, i8 0, i64 {_SIZE}, i1 false)
  {_at("%new", "new.owner.at", _OWNER)}
  store i32 %me, ptr %new.owner.at
  {_at("%new", "mutex", _MUTEX)}
  {_at("%new", "condition", _CONDITION)}
  %mutex.made = call i32 @pthread_mutex_init(ptr %mutex, ptr null)
  %condition.made = call i32 @pthread_cond_init(ptr %condition, ptr null)
  ; The parent's pool is left where it is: its locks may be held by threads that are not here.
  %exchange = cmpxchg ptr @pool, ptr %old, ptr %new seq_cst seq_cst, align 8
  %first = extractvalue {{ ptr, i1 }} %exchange, 1
  br i1 %first, label %made, label %late
made:
  ret ptr %new
late:
  call void @free(ptr %new)
  %other = extractvalue {{ ptr, i1 }} %exchange, 0
  ret ptr %other
}}

; Start threads until there are as many as wanted, or no more can be had. Signals are for the
; threads that the program itself has made.
define internal void @start(ptr %pool, i32 %wanted) noinline {{
entry:
  %all = alloca [128 x i8], align 16
  %mask = alloca [128 x i8], align 16
  %thread = alloca ptr
  {_at("%pool", "workers.at", _WORKERS)}
  %filled = call i32 @sigfillset(ptr %all)
  %blocked = call i32 @pthread_sigmask(i32 {_BLOCK_ALL_SIGNALS}, ptr %all, ptr %mask)
  br label %head
head:
  %workers = load i32, ptr %workers.at
  %enough = icmp sge i32 %workers, %wanted
  br i1 %enough, label %done, label %more
more:
  %error = call i32 @pthread_create(ptr %thread, ptr null, ptr @worker, ptr %pool)
  %refused = icmp ne i32 %error, 0
  br i1 %refused, label %done, label %started
started:
  %handle = load ptr, ptr %thread
  %detached = call i32 @pthread_detach(ptr %handle)
  %workers.new = add i32 %workers, 1
  store i32 %workers.new, ptr %workers.at
  br label %head
done:
  %restored = call i32 @pthread_sigmask(i32 {_BLOCK_ALL_SIGNALS}, ptr %mask, ptr null)
  ret void
}}

define void @cr.parallel(ptr %function, ptr %context, i64 %count, i64 %given) {{
entry:
  %threads = load atomic i32, ptr @cr.threads monotonic, align 4
  %default = zext i32 %threads to i64
  %unsaid = icmp sle i64 %given, 0
  %wanted = select i1 %unsaid, i64 %default, i64 %given
  %parts = call i64 @llvm.smin.i64(i64 %wanted, i64 %count)
  %single = icmp sle i64 %parts, 1
  %alone = icmp sle i32 %threads, 1
  %many = icmp sgt i64 %parts, {_PARTS}
  %single.or.alone = or i1 %single, %alone
  %simple = or i1 %single.or.alone, %many
  br i1 %simple, label %serial, label %pool
serial:
  call void @serial(ptr %function, ptr %context, i64 %count, i64 %given)
  ret void
pool:
  %pool.at = call ptr @find()
  %none = icmp eq ptr %pool.at, null
  br i1 %none, label %serial, label %enter
enter:
  {_at("%pool.at", "busy.at", _BUSY)}
  %exchange = cmpxchg ptr %busy.at, i32 0, i32 1 seq_cst seq_cst, align 4
  %mine = extractvalue {{ i32, i1 }} %exchange, 1
  br i1 %mine, label %prepare, label %serial
prepare:
  {_at("%pool.at", "workers.at", _WORKERS)}
  %workers = load i32, ptr %workers.at
  %helpers = sub i32 %threads, 1
  %few = icmp slt i32 %workers, %helpers
  br i1 %few, label %recruit, label %publish
recruit:
  call void @start(ptr %pool.at, i32 %helpers)
  br label %publish
publish:
  {_at("%pool.at", "ticket.at", _TICKET)}
  {_at("%pool.at", "done.at", _DONE)}
  {_at("%pool.at", "sleepers.at", _SLEEPERS)}
  {_at("%pool.at", "function.at", _FUNCTION)}
  {_at("%pool.at", "context.at", _CONTEXT)}
  {_at("%pool.at", "count.at", _COUNT)}
  store ptr %function, ptr %function.at
  store ptr %context, ptr %context.at
  store i64 %count, ptr %count.at
  store atomic i64 0, ptr %done.at seq_cst, align 8
  %last = load atomic i64, ptr %ticket.at seq_cst, align 8
  %number = and i64 %last, -4294967296
  %number.next = add i64 %number, 4294967296
  %ticket = or i64 %number.next, %parts
  store atomic i64 %ticket, ptr %ticket.at seq_cst, align 8
  %sleepers = load atomic i64, ptr %sleepers.at seq_cst, align 8
  %asleep = icmp sgt i64 %sleepers, 0
  br i1 %asleep, label %rouse, label %join
rouse:
  {_at("%pool.at", "mutex", _MUTEX)}
  {_at("%pool.at", "condition", _CONDITION)}
  %locked = call i32 @pthread_mutex_lock(ptr %mutex)
  %woken = call i32 @pthread_cond_broadcast(ptr %condition)
  %unlocked = call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %join
join:
  call void @work(ptr %pool.at)
  br label %wait
wait:
  %looks = phi i32 [ 0, %join ], [ %looks.next, %patience ]
  %done = load atomic i64, ptr %done.at seq_cst, align 8
  %finished = icmp eq i64 %done, %parts
  br i1 %finished, label %leave, label %patience
patience:
  call void @pause(i32 %looks)
  %looks.next = add i32 %looks, 1
  br label %wait
leave:
  store atomic i32 0, ptr %busy.at seq_cst, align 4
  ret void
}}
"""
