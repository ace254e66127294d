import SansIO

/// Which servers failed lately: others are tried before them (RFC 3263 §4.3; RFC 3261 §21.5.4 for Retry-After).
///
/// ```
///   well ── failed ──► resting: 30 s, doubled with each failure in a row, at most 30 min, or Retry-After
///     ▲                   │ its time is over, or it is the only one: tried again
///     └──── answered ─────┘
/// ```
/// A server that rests is not left out: it comes last.
public struct ServerHealth: Sendable {
  /// A server is a place; the name that its certificate has to have is no part of it.
  fileprivate struct Place: Hashable {
    var transport: SIPTransportProtocol
    var address: TransportAddress
  }

  private struct Rest {
    var failures: Int
    var until: Instant
  }

  private var resting: [Place: Rest] = [:]

  /// The first rest, and the longest.
  static let first: Int64 = 30_000_000_000
  static let longest: Int64 = 1_800_000_000_000
  /// More are not remembered: names choose them.
  static let most = 256

  public init() {}

  public var count: Int { resting.count }

  /// The same servers, those that rest behind the others.
  public func ordered(_ targets: [SIPTarget], at now: Instant) -> [SIPTarget] {
    guard !resting.isEmpty else { return targets }
    return targets.filter { !rests($0, at: now) } + targets.filter { rests($0, at: now) }
  }

  private func rests(_ target: SIPTarget, at now: Instant) -> Bool { resting[Place(target)].map { now < $0.until } ?? false }

  /// - Parameter retryAfter: of a 503, in seconds.
  public mutating func failed(_ target: SIPTarget, retryAfter: Int? = nil, at now: Instant) {
    let place = Place(target)
    if resting[place] == nil, resting.count >= Self.most { resting = resting.filter { now < $0.value.until } }
    guard resting[place] != nil || resting.count < Self.most else { return }
    let failures = (resting[place]?.failures ?? 0) + 1
    let pause =
      retryAfter.map { Int64(min(max($0, 0), 86_400)) * 1_000_000_000 } ?? min(Self.first << Int64(min(failures - 1, 10)), Self.longest)
    resting[place] = Rest(failures: failures, until: now.adding(nanoseconds: pause))
  }

  public mutating func answered(_ target: SIPTarget) { if !resting.isEmpty { resting[Place(target)] = nil } }
}

extension ServerHealth.Place {
  fileprivate init(_ target: SIPTarget) { self.init(transport: target.transport, address: target.address) }
}
