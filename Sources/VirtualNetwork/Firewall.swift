import SansIO

/// A stateful packet filter that translates nothing: what is sent from inside opens a pinhole for the answers, which closes when
/// it is idle.
public struct Firewall: Hashable, Sendable {
  /// A UDP pinhole closes so long after the last packet that refreshes it. 30 s is what Linux gives a flow without an answer.
  public var idle: Duration
  /// A TCP connection that carries nothing loses its state after so long.
  public var streamIdle: Duration
  /// Which packets keep a UDP pinhole open.
  public var refresh: NAT.Refresh
  /// Ports inside that anybody may send and connect to.
  public var allows: [UInt16]

  public init(
    idle: Duration = .seconds(30), streamIdle: Duration = NAT.recommendedStreamLifetime, refresh: NAT.Refresh = .both,
    allows: [UInt16] = []
  ) {
    (self.idle, self.streamIdle, self.refresh, self.allows) = (idle, streamIdle, refresh, allows)
  }
}

/// The pinholes of a firewall.
///
/// ```
///              packet from inside, or from outside to an allowed port             idle, or RST, or both FINs
///   closed ──────────────────────────────────────────────────────────► open ─────────────────────────────────► closed
///      └─ packet from outside: dropped                                  └─ packets both ways pass
/// ```
struct FirewallTable {
  private struct Flow: Hashable {
    var isStream: Bool
    var inside: TransportAddress
    var outside: TransportAddress
  }

  private struct Pinhole {
    var lastUsed: Int64
    var finOut = false
    var finIn = false
    var isOver: Bool { finOut && finIn }
  }

  /// A connection that both sides have ended keeps its state so long, for what is still under way.
  private static let endedIdle: Int64 = 240_000_000_000

  private let firewall: Firewall
  private let idle: Int64
  private let streamIdle: Int64
  private var pinholes: [Flow: Pinhole] = [:]

  init(_ firewall: Firewall) {
    self.firewall = firewall
    idle = max(0, firewall.idle.wholeNanoseconds)
    streamIdle = max(0, firewall.streamIdle.wholeNanoseconds)
  }

  mutating func forgetAll() { pinholes = [:] }

  private func isOpen(_ pinhole: Pinhole, isStream: Bool, at now: Instant) -> Bool {
    now.nanoseconds - pinhole.lastUsed <= (pinhole.isOver ? Self.endedIdle : isStream ? streamIdle : idle)
  }

  /// A packet from inside: nil = it passes.
  mutating func passOut(
    _ inside: TransportAddress, to outside: TransportAddress, _ flags: TCPSegment.Flags? = nil, at now: Instant
  ) -> FilterReason? {
    let flow = Flow(isStream: flags != nil, inside: inside, outside: outside)
    if var pinhole = pinholes[flow], isOpen(pinhole, isStream: flow.isStream, at: now) {
      if flow.isStream || firewall.refresh != .inbound { pinhole.lastUsed = now.nanoseconds }
      if flags?.contains(.fin) == true { pinhole.finOut = true }
      pinholes[flow] = flags?.contains(.rst) == true ? nil : pinhole
      return nil
    }
    // A segment of a connection that it does not know any more opens nothing (RFC 5382 §5 for NATs).
    if let flags, !flags.contains(.syn) { return .noSession }
    pinholes[flow] = Pinhole(lastUsed: now.nanoseconds)
    return nil
  }

  /// A packet from outside: nil = it passes.
  mutating func passIn(
    _ outside: TransportAddress, to inside: TransportAddress, _ flags: TCPSegment.Flags? = nil, at now: Instant
  ) -> FilterReason? {
    let flow = Flow(isStream: flags != nil, inside: inside, outside: outside)
    if var pinhole = pinholes[flow], isOpen(pinhole, isStream: flow.isStream, at: now) {
      if flow.isStream || firewall.refresh != .outbound { pinhole.lastUsed = now.nanoseconds }
      if flags?.contains(.fin) == true { pinhole.finIn = true }
      pinholes[flow] = flags?.contains(.rst) == true ? nil : pinhole
      return nil
    }
    let isKnown = pinholes[flow] != nil
    guard firewall.allows.contains(inside.port), flags.map({ $0.contains(.syn) }) ?? true else {
      return isKnown ? .pinholeClosed : .noPinhole
    }
    pinholes[flow] = Pinhole(lastUsed: now.nanoseconds)
    return nil
  }
}
