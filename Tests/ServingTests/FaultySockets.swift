import SansIO
import Synchronization

@testable import LiveNetwork

/// The kernel's sockets, but that a named call fails when a test says so. It counts what is open.
final class FaultySockets: SocketCalls, @unchecked Sendable {
  enum Site: CaseIterable { case bind, listen, receive, send, accept, connect, finishConnecting, read, write, finish }

  private struct Plan {
    var failures: [Site: [SystemError]] = [:]
    var open: Set<Int32> = []
    var waiting: (count: Int, CheckedContinuation<Void, Never>)?
  }

  private let kernels = Mutex(KernelSockets())
  private let plan = Mutex(Plan())

  private var kernel: KernelSockets { kernels.withLock { $0 } }

  /// From now on only so many descriptors may be open.
  func limit(to soft: Int) { kernels.withLock { $0 = KernelSockets(limit: DescriptorLimit(soft: soft)) } }

  /// The next calls of a site fail so, one after the other.
  func fail(_ site: Site, _ errors: SystemError...) { plan.withLock { $0.failures[site, default: []] += errors } }

  /// Failures that no call has met yet.
  var pending: Int { plan.withLock { plan in plan.failures.values.reduce(0) { $0 + $1.count } } }

  var openCount: Int { plan.withLock { $0.open.count } }

  /// Waits until so many descriptors are open.
  func settle(at count: Int) async {
    await withCheckedContinuation { continuation in
      let isThere = plan.withLock { plan in
        if plan.open.count != count { plan.waiting = (count, continuation) }
        return plan.open.count == count
      }
      if isThere { continuation.resume() }
    }
  }

  private func pass(_ site: Site) throws(SystemError) {
    let error: SystemError? = plan.withLock { plan in
      guard let first = plan.failures[site]?.first else { return nil }
      plan.failures[site]?.removeFirst()
      return first
    }
    if let error { throw error }
  }

  private func change(_ body: (inout Set<Int32>) -> Void) {
    let waiter = plan.withLock { plan in
      body(&plan.open)
      guard let waiting = plan.waiting, waiting.count == plan.open.count else { return nil as CheckedContinuation<Void, Never>? }
      plan.waiting = nil
      return waiting.1
    }
    waiter?.resume()
  }

  func bind(_ address: TransportAddress) throws(SystemError) -> BoundSocket {
    try pass(.bind)
    let bound = try kernel.bind(address)
    change { $0.insert(bound.descriptor) }
    return bound
  }

  func listen(_ address: TransportAddress) throws(SystemError) -> BoundSocket {
    try pass(.listen)
    let bound = try kernel.listen(address)
    change { $0.insert(bound.descriptor) }
    return bound
  }

  func receive(_ descriptor: Int32, into slots: ReadSlots) throws(SystemError) -> Int {
    try pass(.receive)
    return try kernel.receive(descriptor, into: slots)
  }

  func send(_ descriptor: Int32, _ batch: DatagramBatch, from index: Int) throws(SystemError) -> Int {
    try pass(.send)
    return try kernel.send(descriptor, batch, from: index)
  }

  func nextError(_ descriptor: Int32) throws(SystemError) -> ReturnedError? { try kernel.nextError(descriptor) }

  func accept(_ listener: Int32) throws(SystemError) -> AcceptedSocket {
    try pass(.accept)
    let accepted = try kernel.accept(listener)
    change { $0.insert(accepted.descriptor) }
    return accepted
  }

  func connect(from source: TransportAddress?, to destination: TransportAddress) throws(SystemError) -> ConnectingSocket {
    try pass(.connect)
    let connecting = try kernel.connect(from: source, to: destination)
    change { $0.insert(connecting.descriptor) }
    return connecting
  }

  func finishConnecting(_ descriptor: Int32) throws(SystemError) -> TransportAddress {
    try pass(.finishConnecting)
    return try kernel.finishConnecting(descriptor)
  }

  func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
    try pass(.read)
    return try kernel.read(descriptor, into: buffer)
  }

  func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
    try pass(.write)
    return try kernel.write(descriptor, bytes)
  }

  func finish(_ descriptor: Int32) throws(SystemError) {
    try pass(.finish)
    try kernel.finish(descriptor)
  }

  func close(_ descriptor: Int32, isReset: Bool) {
    kernel.close(descriptor, isReset: isReset)
    change { $0.remove(descriptor) }
  }

  func spare() throws(SystemError) -> Int32 {
    let descriptor = try kernel.spare()
    change { $0.insert(descriptor) }
    return descriptor
  }
}
