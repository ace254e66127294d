import CSockets
import SansIO

/// The calls of the operating system that a driver makes at its sockets: a test puts its own answers in their place.
///
/// Descriptors are non-blocking; what would block throws ``SystemError/wouldBlock``.
public protocol SocketCalls: AnyObject {
  /// A UDP socket that is told of ICMP errors.
  func bind(_ address: TransportAddress) throws(SystemError) -> BoundSocket
  /// A listening TCP socket.
  func listen(_ address: TransportAddress) throws(SystemError) -> BoundSocket
  /// Reads datagrams; how many.
  func receive(_ descriptor: Int32, into slots: ReadSlots) throws(SystemError) -> Int
  /// Sends the datagrams of a batch from an index on; how many the kernel took, at least one.
  func send(_ descriptor: Int32, _ batch: DatagramBatch, from index: Int) throws(SystemError) -> Int
  /// The next error that came back for what was sent; nil = none.
  func nextError(_ descriptor: Int32) throws(SystemError) -> ReturnedError?
  func accept(_ listener: Int32) throws(SystemError) -> AcceptedSocket
  func connect(from source: TransportAddress?, to destination: TransportAddress) throws(SystemError) -> ConnectingSocket
  /// Throws why an attempt to connect failed; else our address.
  func finishConnecting(_ descriptor: Int32) throws(SystemError) -> TransportAddress
  /// Bytes read; 0 = the peer's FIN.
  func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int
  /// Bytes that the kernel took.
  func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int
  /// Sends FIN.
  func finish(_ descriptor: Int32) throws(SystemError)
  func close(_ descriptor: Int32, isReset: Bool)
  /// How many datagrams the kernel has thrown away because the socket's queue was full.
  func dropped(_ descriptor: Int32) -> Int
  /// A descriptor to be given up when there are no others.
  func spare() throws(SystemError) -> Int32
}

extension SocketCalls {
  public func dropped(_ descriptor: Int32) -> Int { 0 }
}

public struct BoundSocket {
  public var descriptor: Int32
  public var address: TransportAddress
}

public struct AcceptedSocket {
  public var descriptor: Int32
  public var local: TransportAddress
  public var remote: TransportAddress
  /// It takes a descriptor that is kept for others.
  public var isBeyondLimit = false
}

public struct ConnectingSocket {
  public var descriptor: Int32
  public var isComplete: Bool
}

/// An error that came back for a datagram.
public struct ReturnedError: Hashable, Sendable {
  public var destination: TransportAddress
  public var error: SystemError
  /// Reported upwards by RFC 3261 §18.4: host, network, port or protocol unreachable, or a parameter problem. Source quench and time
  /// exceeded are not, and neither is the need to fragment, which the kernel sees to.
  public var isReported: Bool

  public init(destination: TransportAddress, error: SystemError, isReported: Bool) {
    self.destination = destination
    self.error = error
    self.isReported = isReported
  }
}

/// Memory for one vector read, shared by the sockets of a driver.
public final class ReadSlots {
  /// Datagrams a call.
  static let count = 8
  /// A UDP payload is never longer.
  static let size = 65_536
  let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: ReadSlots.count * ReadSlots.size)
  let sources = UnsafeMutablePointer<socket_address>.allocate(capacity: ReadSlots.count)
  let lengths = UnsafeMutablePointer<UInt32>.allocate(capacity: ReadSlots.count)

  deinit {
    memory.deallocate()
    sources.deallocate()
    lengths.deallocate()
  }

  /// A copy of what was read into a slot.
  func datagram(_ index: Int) -> (source: TransportAddress, bytes: Bytes) {
    let slot = UnsafeBufferPointer(start: memory + index * Self.size, count: Int(lengths[index]))
    return (TransportAddress(sources[index]), Bytes(Array(slot)))
  }
}

/// Datagrams of one socket that leave with one call.
public final class DatagramBatch {
  private static let capacity = 131_072
  // Touched for every packet by code of one loop that cannot overlap itself.
  @exclusivity(unchecked) private(set) var items: [Datagram] = []
  @exclusivity(unchecked) private(set) var descriptions: [outgoing_datagram] = []
  @exclusivity(unchecked) private var used = 0
  let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: DatagramBatch.capacity)

  struct Datagram {
    var destination: TransportAddress
    var bytes: Bytes
    var label: Label
  }

  deinit { memory.deallocate() }

  /// False when there is no room left.
  func append(_ datagram: Datagram) -> Bool {
    let count = datagram.bytes.count
    guard items.count < Int(socket_batch), used + count <= Self.capacity else { return false }
    datagram.bytes.withUnsafeBytes { raw in
      if let base = raw.baseAddress { UnsafeMutableRawPointer(memory + used).copyMemory(from: base, byteCount: count) }
    }
    descriptions.append(outgoing_datagram(offset: used, length: count, destination: socket_address(datagram.destination)))
    items.append(datagram)
    used += count
    return true
  }

  func removeAll() {
    items.removeAll(keepingCapacity: true)
    descriptions.removeAll(keepingCapacity: true)
    used = 0
  }
}

extension TransportAddress {
  init(_ address: socket_address) {
    self.init(
      address.is_v6 ? IPAddress(high: address.high, low: address.low) : IPAddress(v4: UInt32(truncatingIfNeeded: address.low)),
      port: address.port)
  }
}

extension socket_address {
  init(_ address: TransportAddress) {
    self.init(high: address.address.high, low: address.address.low, port: address.port, is_v6: address.address.isIPv6)
  }
}
