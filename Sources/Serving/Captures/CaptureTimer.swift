import NIOCore

extension CallCaptures {
  /// Calls `tick` every ``interval`` on the loop, until the task is cancelled.
  func schedule(on loop: any EventLoop, _ tick: @escaping @Sendable () -> Void) -> RepeatedTask {
    let interval = TimeAmount.nanoseconds(Self.interval)
    return loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in tick() }
  }
}
