import CSockets
import Glibc
import SansIO

/// ``SocketCalls`` of Linux.
///
/// A new descriptor has the lowest free number, so its number tells how many are open at least: sockets beyond what the limit leaves for
/// their kind are given back at once, and some always stay free for connections, files and names.
public final class KernelSockets: SocketCalls {
  private static let receiveBuffer: Int32 = 4_000_000
  private static let backlog: Int32 = 1_024
  private let limit: DescriptorLimit

  public init(limit: DescriptorLimit = .current) { self.limit = limit }

  public func bind(_ address: TransportAddress) throws(SystemError) -> BoundSocket {
    var real = socket_address(address)
    let descriptor = try kept(socket_bind_datagram(&real, Self.receiveBuffer), below: limit.forMedia)
    return BoundSocket(descriptor: descriptor, address: TransportAddress(real))
  }

  public func listen(_ address: TransportAddress) throws(SystemError) -> BoundSocket {
    var real = socket_address(address)
    let descriptor = try Self.checked(socket_listen(&real, Self.backlog))
    return BoundSocket(descriptor: descriptor, address: TransportAddress(real))
  }

  /// Gives a descriptor back that leaves too few for others.
  private func kept(_ result: Int32, below end: Int) throws(SystemError) -> Int32 {
    let descriptor = try Self.checked(result)
    guard descriptor < end else {
      socket_close(descriptor, true)
      throw .tooManyDescriptors
    }
    return descriptor
  }

  private static func checked(_ result: Int32) throws(SystemError) -> Int32 {
    if result < 0 { throw SystemError(-result) }
    return result
  }

  // MARK: - Datagrams

  public func receive(_ descriptor: Int32, into slots: ReadSlots) throws(SystemError) -> Int {
    Int(
      try Self.checked(socket_receive(descriptor, slots.memory, ReadSlots.size, Int32(ReadSlots.count), slots.sources, slots.lengths)))
  }

  public func send(_ descriptor: Int32, _ batch: DatagramBatch, from index: Int) throws(SystemError) -> Int {
    let count = batch.descriptions.count - index
    let result = batch.descriptions.withUnsafeBufferPointer { all in
      socket_send(descriptor, batch.memory, all.baseAddress.map { $0 + index }, Int32(count))
    }
    return Int(try Self.checked(result))
  }

  public func nextError(_ descriptor: Int32) throws(SystemError) -> ReturnedError? {
    var destination = socket_address()
    var (origin, type, code): (UInt8, UInt8, UInt8) = (0, 0, 0)
    var number: Int32 = 0
    guard try Self.checked(socket_next_error(descriptor, &destination, &origin, &type, &code, &number)) > 0 else { return nil }
    return ReturnedError(
      destination: TransportAddress(destination), error: SystemError(number), isReported: Self.isReported(origin, type, code))
  }

  /// The origin is that of ip(7): 2 for ICMP, 3 for ICMPv6. RFC 792: type 3 destination unreachable, of which code 4 asks for fragments,
  /// 12 parameter problem. RFC 4443: 1 and 4.
  private static func isReported(_ origin: UInt8, _ type: UInt8, _ code: UInt8) -> Bool {
    switch (origin, type) {
    case (2, 3): code != 4
    case (2, 12), (3, 1), (3, 4): true
    default: false
    }
  }

  // MARK: - Streams

  public func accept(_ listener: Int32) throws(SystemError) -> AcceptedSocket {
    var (local, remote) = (socket_address(), socket_address())
    let descriptor = try Self.checked(socket_accept(listener, &local, &remote))
    return AcceptedSocket(
      descriptor: descriptor, local: TransportAddress(local), remote: TransportAddress(remote),
      isBeyondLimit: descriptor >= limit.forConnections)
  }

  public func connect(from source: TransportAddress?, to destination: TransportAddress) throws(SystemError) -> ConnectingSocket {
    var target = socket_address(destination)
    var isComplete = false
    let result: Int32
    if let source {
      var own = socket_address(source)
      result = socket_connect(&own, &target, &isComplete)
    } else {
      result = socket_connect(nil, &target, &isComplete)
    }
    return ConnectingSocket(descriptor: try kept(result, below: limit.forConnections), isComplete: isComplete)
  }

  public func finishConnecting(_ descriptor: Int32) throws(SystemError) -> TransportAddress {
    _ = try Self.checked(socket_connect_result(descriptor))
    var local = socket_address()
    _ = try Self.checked(socket_local_address(descriptor, &local))
    return TransportAddress(local)
  }

  public func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
    Int(try Self.checked(socket_read(descriptor, buffer.baseAddress, buffer.count)))
  }

  public func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
    Int(try Self.checked(socket_write(descriptor, bytes.baseAddress, bytes.count)))
  }

  public func finish(_ descriptor: Int32) throws(SystemError) { _ = try Self.checked(socket_finish(descriptor)) }

  public func close(_ descriptor: Int32, isReset: Bool) { socket_close(descriptor, isReset) }

  /// `SO_MEMINFO` (socket(7)): its ninth number is the count of drops.
  public func dropped(_ descriptor: Int32) -> Int {
    var numbers = [UInt32](repeating: 0, count: 9)
    var length = socklen_t(numbers.count * MemoryLayout<UInt32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, &numbers, &length) == 0, length >= 36 else { return 0 }
    return Int(numbers[8])
  }

  public func spare() throws(SystemError) -> Int32 { try Self.checked(socket_spare()) }
}
