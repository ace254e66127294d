import CSockets
import Dispatch
import Glibc
import NIOCore
import SansIO
import Synchronization

/// What hears that a descriptor is ready.
protocol SocketHandler: AnyObject {
  func ready(_ readiness: Readiness)
}

struct Readiness {
  var isReadable: Bool
  var isWritable: Bool
  /// An error waits at the socket.
  var isFailed: Bool
}

/// One thread that waits for descriptors (epoll), timers and tasks: where live drivers run.
///
/// An `EventLoop` of swift-nio for tasks, timers and futures. The sockets are the drivers' own: NIO closes a datagram channel when one send
/// fails, and tells nobody.
// Unchecked: what changes belongs to its thread; what others touch stands in `inbox`.
public final class SocketLoop: EventLoop, @unchecked Sendable {
  private struct Inbox {
    var tasks: [@Sendable () -> Void] = []
    /// The thread waits and has to be woken.
    var isWaiting = false
    /// Tasks are dropped: nobody carries them out any more.
    var isOver = false
    /// Somebody waits for the thread's end.
    var isJoined = false
    var dropped = 0
  }

  private struct Entry {
    var handler: any SocketHandler
    /// Tells a descriptor from a later one of the same number.
    var generation: UInt32
  }

  private let poll: Int32
  private let wakeUp: Int32
  private let thread = Atomic<UInt>(0)
  private let inbox = Mutex(Inbox())
  private let lastTimer = Atomic<UInt32>(0)
  // Of the thread, and touched for every packet by code that cannot overlap itself.
  /// By descriptor, of which the system gives the lowest numbers.
  @exclusivity(unchecked) private var entries: ContiguousArray<Entry?> = []
  @exclusivity(unchecked) private var generation: UInt32 = 0
  @exclusivity(unchecked) private var timers = DeadlineQueue<LoopTimer>()
  @exclusivity(unchecked) private var bodies = SerialTable<TimerBody>()
  /// Timers that are due; kept for its memory.
  @exclusivity(unchecked) private var due: [LoopTimer] = []
  @exclusivity(unchecked) private var isStopping = false

  struct TimerBody {
    var fire: () -> Void
    /// The loop ends first.
    var abandon: () -> Void
  }

  /// Starts its thread.
  /// - Throws: when the process has no descriptor left for it.
  public init() throws(SystemError) {
    poll = try Self.checked(poll_create())
    wakeUp = try Self.checked(wake_create())
    _ = try Self.checked(poll_watch(poll, wakeUp, Self.key(wakeUp, 0), true, false, true))
    var number = pthread_t()
    let status = pthread_create(
      &number, nil,
      { raw in
        if let raw { Unmanaged<SocketLoop>.fromOpaque(raw).takeRetainedValue().run() }
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    guard status == 0 else { throw SystemError(status) }
    thread.store(UInt(number), ordering: .sequentiallyConsistent)
  }

  private static func checked(_ result: Int32) throws(SystemError) -> Int32 {
    if result < 0 { throw SystemError(-result) }
    return result
  }

  private static func key(_ descriptor: Int32, _ generation: UInt32) -> UInt64 {
    UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
  }

  // MARK: - The thread

  private func run() {
    thread.store(UInt(pthread_self()), ordering: .sequentiallyConsistent)
    _ = exact_timers()
    withUnsafeTemporaryAllocation(of: ready_descriptor.self, capacity: 64) { ready in
      while true {
        runTasks()
        fireTimers()
        if isStopping, end() { return }
        let count = poll_wait(poll, ready.baseAddress, 64, patience())
        inbox.withLock { $0.isWaiting = false }
        for index in 0..<max(0, Int(count)) { handle(ready[index]) }
      }
    }
  }

  private func handle(_ ready: ready_descriptor) {
    let descriptor = Int32(bitPattern: UInt32(truncatingIfNeeded: ready.key))
    if descriptor == wakeUp {
      wake_clear(descriptor)
    } else if let entry = entry(of: descriptor), entry.generation == UInt32(ready.key >> 32) {
      entry.handler.ready(Readiness(isReadable: ready.is_readable, isWritable: ready.is_writable, isFailed: ready.is_failed))
    }
  }

  private func runTasks() {
    let tasks = inbox.withLock { inbox in
      defer { inbox.tasks = [] }
      return inbox.tasks
    }
    for task in tasks { task() }
  }

  private func fireTimers() {
    guard let next = timers.next else { return }
    let now = Instant(now)
    guard next <= now else { return }
    // Only what is due now: a timer that sets itself again waits for its turn.
    while let timer = timers.takeExpired(at: now) { due.append(timer) }
    for index in due.indices { bodies[due[index].number]?.fire() }
    due.removeAll(keepingCapacity: true)
  }

  /// How many nanoseconds the thread may sleep; negative = until something happens.
  private func patience() -> Int64 {
    let rest = timers.next.map { max(0, $0.nanoseconds - Instant(now).nanoseconds) } ?? -1
    guard rest != 0 else { return 0 }
    return inbox.withLock { inbox in
      inbox.isWaiting = inbox.tasks.isEmpty
      return inbox.isWaiting ? rest : 0
    }
  }

  /// Ends unless tasks came in the meantime.
  private func end() -> Bool {
    for number in bodies.numbers { bodies[number]?.abandon() }
    bodies = SerialTable()
    timers = DeadlineQueue()
    let isOver = inbox.withLock { inbox in
      inbox.isOver = inbox.tasks.isEmpty
      return inbox.isOver
    }
    guard isOver else { return false }
    for descriptor in [poll, wakeUp] { socket_close(descriptor, false) }
    return true
  }

  // MARK: - Descriptors

  /// Begins to watch a descriptor, or changes what it is watched for. On the loop.
  func watch(_ descriptor: Int32, _ handler: any SocketHandler, reads: Bool, writes: Bool) {
    guard descriptor >= 0 else { return }
    let known = entry(of: descriptor)
    let entry = known ?? newEntry(descriptor, handler)
    poll_watch(poll, descriptor, Self.key(descriptor, entry.generation), reads, writes, known == nil)
  }

  private func newEntry(_ descriptor: Int32, _ handler: any SocketHandler) -> Entry {
    generation &+= 1
    while entries.count <= Int(descriptor) { entries.append(nil) }
    let entry = Entry(handler: handler, generation: generation)
    entries[Int(descriptor)] = entry
    return entry
  }

  private func entry(of descriptor: Int32) -> Entry? { descriptor < entries.count ? entries[Int(descriptor)] : nil }

  /// Has to come before the descriptor is closed. On the loop.
  func forget(_ descriptor: Int32) {
    guard entry(of: descriptor) != nil else { return }
    entries[Int(descriptor)] = nil
    poll_forget(poll, descriptor)
  }

  // MARK: - Timers

  /// A number for a timer of its own.
  func newTimer() -> LoopTimer { LoopTimer(number: lastTimer.wrappingAdd(1, ordering: .relaxed).newValue) }

  /// On the loop.
  func setTimer(_ timer: LoopTimer, at deadline: NIODeadline, _ body: TimerBody) {
    bodies[timer.number] = body
    timers.set(timer, at: Instant(deadline))
  }

  /// Sets or moves a timer that has its body. On the loop.
  func moveTimer(_ timer: LoopTimer, to deadline: NIODeadline) { timers.set(timer, at: Instant(deadline)) }

  /// On the loop.
  func stopTimer(_ timer: LoopTimer) {
    bodies.remove(timer.number)
    timers.remove(timer)
  }

  @discardableResult
  public func scheduleTask<Result>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> Result) -> Scheduled<Result> {
    let promise = makePromise(of: Result.self)
    let timer = newTimer()
    let fire = { [self] in
      bodies.remove(timer.number)
      // On the loop: results need not be Sendable.
      do { promise.assumeIsolatedUnsafeUnchecked().succeed(try task()) } catch { promise.fail(error) }
    }
    let body = Carried(TimerBody(fire: fire, abandon: { promise.fail(EventLoopError.shutdown) }))
    onLoop({ [self] in setTimer(timer, at: deadline, body.value) }, otherwise: { promise.fail(EventLoopError.shutdown) })
    return Scheduled(promise: promise) { [self] in execute { [self] in stopTimer(timer) } }
  }

  @discardableResult
  public func scheduleTask<Result>(in delay: TimeAmount, _ task: @escaping @Sendable () throws -> Result) -> Scheduled<Result> {
    scheduleTask(deadline: now + delay, task)
  }

  // MARK: - Tasks

  public var inEventLoop: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

  /// Runs the task on the loop; dropped when the loop has ended.
  public func execute(_ task: @escaping @Sendable () -> Void) {
    if !enqueue(task) { inbox.withLock { $0.dropped += 1 } }
  }

  /// False when the loop has ended.
  private func enqueue(_ task: @escaping @Sendable () -> Void) -> Bool {
    inbox.withLock { inbox in
      if inbox.isOver { return false }
      inbox.tasks.append(task)
      if inbox.isWaiting {
        inbox.isWaiting = false
        wake_up(wakeUp)
      }
      return true
    }
  }

  /// Tasks that came after the end.
  public var droppedTasks: Int { inbox.withLock { $0.dropped } }

  private func onLoop(_ body: @escaping @Sendable () -> Void, otherwise fail: () -> Void) {
    if inEventLoop { return body() }
    if !enqueue(body) { fail() }
  }

  /// The first one hears when the thread is no more: a program that ends then has none that still gives back what belongs to it.
  public func shutdownGracefully(queue: DispatchQueue, _ callback: @Sendable @escaping ((any Error)?) -> Void) {
    let isFirst = inbox.withLock { inbox in
      defer { inbox.isJoined = true }
      return !inbox.isJoined
    }
    guard isFirst else { return queue.async { callback(nil) } }
    _ = enqueue { [self] in isStopping = true }
    let number = pthread_t(thread.load(ordering: .sequentiallyConsistent))
    queue.async {
      pthread_join(number, nil)
      callback(nil)
    }
  }
}

/// A timer of a ``SocketLoop``, numbered in the order in which they were made.
struct LoopTimer: SerialKey {
  let number: UInt32
}

/// A value that crosses to the loop and is touched nowhere else.
// Unchecked: who hands it over keeps no use of it, so one thread at a time has it.
private struct Carried<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}

extension Instant {
  /// On the loop's clock, which has no run.
  init(_ deadline: NIODeadline) { self.init(nanoseconds: Int64(clamping: deadline.uptimeNanoseconds)) }
}
