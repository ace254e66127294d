import SansIO

@testable import SecureTransport

/// Two ends of DTLS on a network in virtual time, each datagram of which a test may lose, double or delay.
final class DTLSPair {
  enum Side: Int, Hashable, CaseIterable, Sendable {
    case active
    case passive
  }

  /// A datagram as it is sent.
  struct Sent {
    var from: Side
    /// Counts the calls of this end that sent something: the flights of RFC 6347 §4.2.4, and what is sent again.
    var flight: Int
    /// Its place in the flight.
    var place: Int
    /// Its place among all datagrams.
    var number: Int
    var bytes: Bytes
    var at: Instant
  }

  /// When the copies of a datagram arrive, counted from its sending: none = lost.
  typealias Path = (Sent) -> [Duration]

  static let delay = Duration.milliseconds(20)

  let ends: [DTLSConnection]
  private(set) var outputs: [[DTLSConnection.Output]] = [[], []]
  private(set) var sent: [Sent] = []
  private(set) var now = Instant.zero
  /// When each end was established.
  private(set) var establishedAt: [Instant?] = [nil, nil]
  var path: Path
  /// What becomes of a datagram on its way.
  var edit: (Sent) -> Bytes = { $0.bytes }
  private var underway: [(at: Instant, order: Int, to: Side, bytes: Bytes)] = []
  private var order = 0
  private var flights = [0, 0]

  init(
    active: DTLSContext, passive: DTLSContext, activeExpects: [CertificateFingerprint]?, passiveExpects: [CertificateFingerprint]?,
    entropy: Entropy = Entropy(seed: 1), path: @escaping Path = { _ in [DTLSPair.delay] }
  ) {
    ends = [
      DTLSConnection(active, role: .active, expecting: activeExpects, entropy: entropy.fork("active"), epoch: .virtual),
      DTLSConnection(passive, role: .passive, expecting: passiveExpects, entropy: entropy.fork("passive"), epoch: .virtual),
    ]
    self.path = path
  }

  /// Each expects the other's SHA-256.
  convenience init(
    _ active: DTLSContext, _ passive: DTLSContext, entropy: Entropy = Entropy(seed: 1), path: @escaping Path = { _ in [DTLSPair.delay] }
  ) {
    self.init(
      active: active, passive: passive, activeExpects: [passive.fingerprint()], passiveExpects: [active.fingerprint()], entropy: entropy,
      path: path)
  }

  subscript(side: Side) -> [DTLSConnection.Output] { outputs[side.rawValue] }
  func end(_ side: Side) -> DTLSConnection { ends[side.rawValue] }
  var isEstablished: Bool { ends.allSatisfy { $0.session != nil } }

  func start() {
    take(ends[1].start(at: now), of: .passive)
    take(ends[0].start(at: now), of: .active)
  }

  /// Starts both and runs until nothing is under way and no timer runs, or the limit.
  @discardableResult
  func handshake(limit: Duration = .seconds(120)) -> DTLSPair {
    start()
    return run(limit: limit)
  }

  @discardableResult
  func run(limit: Duration = .seconds(120)) -> DTLSPair {
    let end = now.advanced(by: limit)
    while let next = nextTime(), next <= end {
      now = max(now, next)
      if let index = underway.indices.min(by: { (underway[$0].at, underway[$0].order) < (underway[$1].at, underway[$1].order) }),
        underway[index].at <= now
      {
        let arrival = underway.remove(at: index)
        take(ends[arrival.to.rawValue].receive(arrival.bytes, at: now), of: arrival.to)
      } else {
        for side in Side.allCases {
          if let deadline = ends[side.rawValue].nextDeadline, deadline <= now { take(ends[side.rawValue].wake(at: now), of: side) }
        }
      }
    }
    return self
  }

  /// What a test calls on an end by itself.
  func take(_ new: [DTLSConnection.Output], of side: Side) {
    outputs[side.rawValue] += new
    if new.session != nil { establishedAt[side.rawValue] = now }
    let datagrams = new.datagrams
    guard !datagrams.isEmpty else { return }
    for (place, bytes) in datagrams.enumerated() {
      let one = Sent(from: side, flight: flights[side.rawValue], place: place, number: sent.count, bytes: bytes, at: now)
      sent.append(one)
      for delay in path(one) {
        underway.append((now.advanced(by: delay), order, side == .active ? .passive : .active, edit(one)))
        order += 1
      }
    }
    flights[side.rawValue] += 1
  }

  private func nextTime() -> Instant? { (underway.map(\.at) + ends.compactMap(\.nextDeadline)).min() }
}

extension [DTLSConnection.Output] {
  var datagrams: [Bytes] { compactMap { if case .datagram(let bytes) = $0 { bytes } else { nil } } }
}

extension DTLSConnection.Output: EngineOutput {
  var session: DTLSSession? { if case .established(let session) = self { session } else { nil } }
  var failure: TLSFailure? { if case .failed(let failure) = self { failure } else { nil } }
  var secret: KeyLogLine? { if case .secret(let line) = self { line } else { nil } }

  var word: String {
    switch self {
    case .datagram: "datagram"
    case .secret: "secret"
    case .established: "established"
    case .closedByPeer: "closed by peer"
    case .failed: "failed"
    }
  }
}

/// Certificates and contexts that the tests of DTLS share.
enum DTLSLab {
  // Made once for all tests: without them none can run.
  // swift-format-ignore: NeverUseForceTry
  static let certificates = try! (1...2).map { try DTLSCertificate(entropy: Entropy(seed: $0), epoch: .virtual) }

  static func contexts(
    _ active: [DTLSProtectionProfile] = DTLSProtectionProfile.preference,
    _ passive: [DTLSProtectionProfile] = DTLSProtectionProfile.preference, mtu: Int = DTLSContext.standardMTU
  ) throws -> (active: DTLSContext, passive: DTLSContext) {
    (
      try DTLSContext(certificates[0], profiles: active, mtu: mtu), try DTLSContext(certificates[1], profiles: passive, mtu: mtu)
    )
  }

  static func pair(mtu: Int = DTLSContext.standardMTU, seed: UInt64 = 1) throws -> DTLSPair {
    let contexts = try contexts(mtu: mtu)
    return DTLSPair(contexts.active, contexts.passive, entropy: Entropy(seed: seed))
  }
}
