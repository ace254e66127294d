import SansIO
import SecureTransport

/// A DTLS handshake, one datagram of which is changed on its way: both ends have the same keys or none, and nothing forged moves an
/// association that is established.
///
/// The input: a byte that chooses the kind of change, the MTU and what is known of the peer, one that chooses the datagram, and the change
/// (``Damage``).
enum DTLSTarget {
  private static let mtus = [300, 1_200]

  /// Client and server for each MTU.
  private static let contexts: [[DTLSContext]]? = try? mtus.map { mtu in
    try [1, 2].map { seed in try DTLSContext(DTLSCertificate(entropy: Entropy(seed: seed), epoch: .virtual), mtu: mtu) }
  }

  static func run(_ input: [UInt8]) {
    guard input.count > 2 else { return }
    guard let contexts else { return hold(false, "a certificate makes a context") }
    let size = Int(input[0] >> 3 & 1)
    let association = Association(
      contexts[size], mtu: mtus[size], victim: Int(input[1] & 31), Damage(input), isAnswered: input[0] & 0x10 == 0)
    association.run()
    association.check()
    association.disturb(Bytes(Array(input.dropFirst(2))))
  }

  private final class Association {
    private let ends: [DTLSConnection]
    private let contexts: [DTLSContext]
    private let mtu: Int
    private let victim: Int
    private let damage: Damage
    private var datagrams = 0
    private var now = Instant.zero
    private var queue: [(to: Int, bytes: Bytes)] = []

    init(_ contexts: [DTLSContext], mtu: Int, victim: Int, _ damage: Damage, isAnswered: Bool) {
      self.contexts = contexts
      self.mtu = mtu
      self.victim = victim
      self.damage = damage
      let entropy = Entropy(seed: 1)
      ends = [
        DTLSConnection(
          contexts[0], role: .active, expecting: [contexts[1].fingerprint()], entropy: entropy.fork("active"), epoch: .virtual),
        DTLSConnection(
          contexts[1], role: .passive, expecting: isAnswered ? [contexts[0].fingerprint()] : nil, entropy: entropy.fork("passive"),
          epoch: .virtual),
      ]
    }

    func run() {
      for end in [1, 0] { take(ends[end].start(at: now), of: end) }
      settle()
      for _ in 0..<6 {
        guard let next = ends.compactMap(\.nextDeadline).min() else { break }
        hold(next >= now, "a timer lies ahead")
        now = next
        for end in [0, 1] where ends[end].nextDeadline == now { take(ends[end].wake(at: now), of: end) }
        settle()
      }
      take(ends[1].expect([contexts[0].fingerprint()], at: now), of: 1)
      settle()
    }

    private func settle() {
      while !queue.isEmpty {
        let datagram = queue.removeFirst()
        take(ends[datagram.to].receive(datagram.bytes, at: now), of: datagram.to)
      }
    }

    private func take(_ outputs: [DTLSConnection.Output], of end: Int) {
      for (place, output) in outputs.enumerated() {
        switch output {
        case .datagram(let bytes):
          hold(!bytes.isEmpty && bytes.count <= mtu, "a datagram of \(bytes.count) bytes fits in \(mtu)")
          hold(DTLSConnection.isDTLS(bytes), "what is sent is DTLS")
          for changed in datagrams == victim ? damage.apply(bytes) : [bytes] { queue.append((1 - end, changed)) }
          datagrams += 1
        case .failed:
          hold(place == outputs.count - 1 && ends[end].nextDeadline == nil, "nothing follows a failure")
        case .established(let session): hold(session == ends[end].session, "a session is kept")
        case .secret, .closedByPeer: break
        }
      }
    }

    func check() {
      guard let one = ends[0].session, let two = ends[1].session else { return }
      hold(one.keyingMaterial == two.keyingMaterial && one.profile == two.profile, "both ends have the same keys")
      hold(two.peerFingerprint == contexts[0].fingerprint(), "an end knows whom it talks to")
    }

    /// Forged datagrams after the handshake.
    func disturb(_ datagram: Bytes) {
      for end in [0, 1] {
        let outputs = ends[end].receive(datagram, at: now)
        let isOpen = ends[end].session != nil
        if isOpen { hold(outputs.isEmpty, "nobody makes a record by chance") }
        // What is left is close_notify: of an association that was established, or by an end that had one to refuse.
        _ = ends[end].close(at: now)
        hold(ends[end].receive(datagram, at: now).isEmpty && ends[end].nextDeadline == nil, "a closed end is silent")
      }
    }
  }
}
