import SansIO

/// The pairs of ports, for RTP and RTCP, that legs have open or want open. The number of a port says at once whose it is.
struct MediaPorts {
  /// What a pair is for.
  enum Use: Hashable, Sendable {
    case call, music
    /// Of a call whose media moves or has moved.
    case next
  }

  struct Pair: Sendable {
    let leg: SlabPlace
    let use: Use
    /// Of RTP; RTCP has the next one.
    let port: UInt16
    /// Ports that the world has not opened yet.
    var unbound = 2
  }

  typealias PairID = SlabPlace

  private var pool: MediaPortPool
  private var pairs = Slab<Pair>()

  init(_ range: ClosedRange<UInt16>) { pool = MediaPortPool(range) }

  /// Pairs that are open or being opened.
  var count: Int { pairs.count }

  // MARK: - Numbers

  /// A free pair's RTP port; nil when all are in use.
  mutating func take() -> UInt16? { pool.take() }

  /// The pair is free again; it rests for a while.
  mutating func release(_ port: UInt16) { pool.release(port) }

  /// Another program holds the pair.
  mutating func putAside(_ port: UInt16) { pool.putAside(port) }

  // MARK: - Sockets

  mutating func open(_ port: UInt16, at address: IPAddress, for leg: SlabPlace, _ use: Use, _ out: inout Outbox) -> PairID {
    let id = pairs.insert(Pair(leg: leg, use: use, port: port))
    out.bind(Self.rtp(id), TransportAddress(address, port: port))
    out.bind(Self.rtcp(id), TransportAddress(address, port: port + 1))
    return id
  }

  /// Closes a pair; its port, which is not free before it is given back.
  @discardableResult
  mutating func close(_ id: PairID, _ out: inout Outbox) -> UInt16? {
    guard let pair = pairs.remove(id) else { return nil }
    out.unbind(Self.rtp(id))
    out.unbind(Self.rtcp(id))
    return pair.port
  }

  /// Whose port it is; nil when it was closed.
  func pair(of port: PortID) -> Pair? { Self.id(of: port).flatMap { pairs[$0] } }

  /// One port of a pair is open; the pair when it was the last one.
  mutating func bound(_ port: PortID) -> Pair? {
    guard let id = Self.id(of: port) else { return nil }
    let pair: Pair?? = pairs.update(id) { pair in
      pair.unbound -= 1
      return pair.unbound == 0 ? pair : nil
    }
    return pair ?? nil
  }

  // MARK: - Numbers of ports

  /// Signalling has the small ones.
  private static let mark: UInt32 = 1 << 31

  static func rtp(_ id: PairID) -> PortID { PortID(mark | UInt32(id.generation) << 17 | id.index << 1) }
  static func rtcp(_ id: PairID) -> PortID { PortID(rtp(id).rawValue | 1) }

  static func isControl(_ port: PortID) -> Bool { port.rawValue & 1 == 1 }

  /// A pair has at least two of the 65,536 port numbers, so its place has fifteen bits, sixteen with another address for music.
  private static func id(of port: PortID) -> PairID? {
    guard port.rawValue & mark != 0 else { return nil }
    return PairID(index: port.rawValue >> 1 & 0xFFFF, generation: UInt16(port.rawValue >> 17 & 0x3FFF))
  }
}
