import SDP
import SRTP
import SansIO
import SecureTransport

/// The DTLS associations that give one stream its keys (RFC 5764 §3): one, and a second for RTCP where that has a port of its own.
///
/// ```
///   idle ── begin ──► shaking hands ── each ended ──► keyed ── close_notify ──► closed: nothing more leaves
///                      │   ▲                            │
///                      │   └── begin: the next number ──┘ (the keys stay until it has others)
///                      └── failed
/// ```
/// It carries datagrams and says what came of them; what is done with keys is ``PacketProtection``'s.
struct DTLSKeying: Sendable {
  enum Output: Sendable {
    /// A handshake ended: keys for these kinds of packets.
    case keyed([SRTPPacketKind], AgreedKeys, SecuredMedia)
    case failed(TLSFailure)
    case closed
  }

  /// One association and its way.
  // Unchecked: it belongs to one stream and is used in its turns alone.
  private final class Association: @unchecked Sendable {
    var connection: DTLSConnection
    /// What the peer began anew on the same way; it takes over when it has ended well (RFC 6347 §4.2.8).
    var renewal: DTLSConnection?
    /// The random number of its hello: another one is another beginning.
    var hello = Bytes()
    var renewals = 0
    let agreed: AgreedAssociation
    let kinds: [SRTPPacketKind]
    let port: PortID
    /// Where the peer says that it is.
    let place: TransportAddress
    /// Who is called follows where the call comes from, as media does behind a NAT, until the peer has proven itself.
    var remote: TransportAddress

    init(_ connection: DTLSConnection, _ agreed: AgreedAssociation, _ kinds: [SRTPPacketKind], _ port: PortID, _ remote: TransportAddress) {
      (self.connection, self.agreed, self.kinds, self.port) = (connection, agreed, kinds, port)
      (place, self.remote) = (remote, remote)
    }
  }

  private var configuration: MediaStream.Configuration
  private var associations: [Association] = []
  /// What was begun last.
  private var agreed: AgreedAssociation?
  private var held = HeldHellos()

  init(_ configuration: MediaStream.Configuration) { self.configuration = configuration }

  /// What begins from now on has these ports.
  mutating func move(to configuration: MediaStream.Configuration) { self.configuration = configuration }

  /// Whether all handshakes have ended well.
  var isKeyed: Bool { !associations.isEmpty && associations.allSatisfy { $0.connection.session != nil } }

  /// Opens what an agreement asks for, unless that was done, or there is nowhere to send to yet.
  mutating func begin(_ agreement: AudioAgreement, at now: Instant, _ out: inout Outbox) -> [Output] {
    guard let agreed = agreement.association, agreed != self.agreed else { return [] }
    guard agreement.remote.port != 0, !agreement.remote.address.isUnspecified else { return [] }
    self.agreed = agreed
    associations = []
    let audio: [SRTPPacketKind] = agreement.isMultiplexed ? [.rtp, .rtcp] : [.rtp]
    var outputs = open(agreed, audio, configuration.rtpPort, agreement.remote, at: now, &out)
    guard !agreement.isMultiplexed, agreement.remoteControl.port != 0 else { return outputs }
    outputs += open(agreed, [.rtcp], configuration.rtcpPort, agreement.remoteControl, at: now, &out)
    return outputs
  }

  private mutating func open(
    _ agreed: AgreedAssociation, _ kinds: [SRTPPacketKind], _ port: PortID, _ remote: TransportAddress, at now: Instant, _ out: inout Outbox
  ) -> [Output] {
    let path = "association \(configuration.dialog) \(port.rawValue) \(agreed.number)"
    guard let connection = configuration.identity?.connection(agreed.role, expecting: agreed.fingerprints, path: path) else {
      return [.failed(TLSFailure(.internalError, endedBy: .local, text: "there is no certificate for DTLS"))]
    }
    let association = Association(connection, agreed, kinds, port, remote)
    associations.append(association)
    var outputs = carry(connection.start(at: now), of: association, &out)
    guard agreed.role == .passive else { return outputs }
    for hello in held.take(on: port, from: remote, at: now) {
      outputs += receive(hello.bytes, on: port, from: hello.source, at: now, &out)
    }
    return outputs
  }

  // MARK: - The world

  /// A datagram of DTLS that came to a port of the stream.
  ///
  /// - Parameter isOfferOpen: an answer is on its way, which may bring another association: whoever gave it may have begun that already.
  mutating func receive(
    _ datagram: Bytes, on port: PortID, from source: TransportAddress, isOfferOpen: Bool = false, at now: Instant, _ out: inout Outbox
  ) -> [Output] {
    guard let association = associations.first(where: { $0.port == port }) else {
      held.keep(datagram, on: port, from: source, at: now)
      return []
    }
    guard association.connection.role == .passive else {
      // Whoever began is not asked: it is the next association, whose description is still on its way.
      guard !HeldHellos.isHello(datagram) else {
        held.keep(datagram, on: port, from: source, at: now)
        return []
      }
      return carry(association.connection.receive(datagram, at: now), of: association, &out)
    }
    guard association.connection.session != nil else { return shakeHands(datagram, association, from: source, at: now, &out) }
    var outputs: [Output] = []
    let hello = HeldHellos.clientRandom(datagram)
    // So it is from elsewhere, and with an answer that is on its way.
    guard source == association.remote, !isOfferOpen || hello == nil || hello == association.hello else {
      held.keep(datagram, on: port, from: source, at: now)
      return []
    }
    // Some begin anew with each re-INVITE (Asterisk), and others have lost what they knew. The keys stay until there are new ones.
    if let hello, hello != association.hello {
      association.hello = hello.compacted()
      outputs = renew(association, at: now, &out)
    }
    guard let renewal = association.renewal else {
      return carry(association.connection.receive(datagram, at: now), of: association, &out)
    }
    return outputs + carry(renewal.receive(datagram, at: now), of: association, isRenewal: true, &out)
  }

  /// The association goes on after all: who began anew on its way meant to do that.
  mutating func retryHeld(at now: Instant, _ out: inout Outbox) -> [Output] {
    var outputs: [Output] = []
    for association in associations where association.connection.role == .passive {
      for hello in held.take(on: association.port, only: association.remote, at: now) {
        outputs += receive(hello, on: association.port, from: association.remote, at: now, &out)
      }
    }
    return outputs
  }

  /// Goes on with a handshake that the peer begins. Who begins anew before its end, or was overtaken by a stranger, begins again here too.
  private mutating func shakeHands(
    _ datagram: Bytes, _ association: Association, from source: TransportAddress, at now: Instant, _ out: inout Outbox
  ) -> [Output] {
    var outputs: [Output] = []
    if let hello = HeldHellos.clientRandom(datagram), hello != association.hello {
      if !association.hello.isEmpty {
        guard source == association.place || source == association.remote, let again = connection(again: association) else {
          held.keep(datagram, on: association.port, from: source, at: now)
          return []
        }
        association.connection = again
        outputs = carry(again.start(at: now), of: association, &out)
      }
      association.hello = hello.compacted()
      association.remote = source
    } else if association.hello.isEmpty {
      association.remote = source
    }
    return outputs + carry(association.connection.receive(datagram, at: now), of: association, &out)
  }

  private func connection(again association: Association) -> DTLSConnection? {
    association.renewals += 1
    let path = "association \(configuration.dialog) \(association.port.rawValue) \(association.agreed.number) again \(association.renewals)"
    return configuration.identity?.connection(.passive, expecting: association.agreed.fingerprints, path: path)
  }

  private func renew(_ association: Association, at now: Instant, _ out: inout Outbox) -> [Output] {
    guard let renewal = connection(again: association) else { return [] }
    association.renewal = renewal
    return carry(renewal.start(at: now), of: association, isRenewal: true, &out)
  }

  var nextDeadline: Instant? {
    var earliest: Instant?
    for association in associations {
      if let due = association.connection.nextDeadline { earliest = min(earliest ?? due, due) }
      if let due = association.renewal?.nextDeadline { earliest = min(earliest ?? due, due) }
    }
    return earliest
  }

  mutating func wake(at now: Instant, _ out: inout Outbox) -> [Output] {
    var outputs: [Output] = []
    for association in associations {
      if let due = association.connection.nextDeadline, due <= now {
        outputs += carry(association.connection.wake(at: now), of: association, &out)
      }
      if let renewal = association.renewal, let due = renewal.nextDeadline, due <= now {
        outputs += carry(renewal.wake(at: now), of: association, isRenewal: true, &out)
      }
    }
    return outputs
  }

  /// Says close_notify and forgets the associations (RFC 5246 §7.2.1).
  mutating func close(at now: Instant, _ out: inout Outbox) {
    for association in associations { _ = carry(association.connection.close(at: now), of: association, &out) }
    associations = []
  }

  /// - Parameter isRenewal: what fails is not the association, which goes on as it was.
  private func carry(
    _ outputs: [DTLSConnection.Output], of association: Association, isRenewal: Bool = false, _ out: inout Outbox
  ) -> [Output] {
    var results: [Output] = []
    for output in outputs {
      switch output {
      case .datagram(let bytes):
        out.datagram(association.port, to: association.remote, bytes, Label(.dtls, dialog: configuration.dialog))
      case .secret(let line): out.secret(line)
      case .established(let session):
        if isRenewal, let renewal = association.renewal { (association.connection, association.renewal) = (renewal, nil) }
        if let keys = AgreedKeys(session, role: association.connection.role) {
          let media = SecuredMedia(association.agreed, suite: keys.send.suite, version: session.version, cipher: session.cipher)
          results.append(.keyed(association.kinds, keys, media))
        } else {
          results.append(.failed(TLSFailure(.noCommonProfile, endedBy: .local, text: "\(session.profile) is not spoken here")))
        }
      case .closedByPeer where isRenewal, .failed where isRenewal: association.renewal = nil
      case .closedByPeer: results.append(.closed)
      case .failed(let failure): results.append(.failed(failure))
      }
    }
    return results
  }
}

extension AgreedKeys {
  /// What a handshake gave (RFC 5764 §4.2): the client protects with its own key, the server with the other.
  convenience init?(_ session: DTLSSession, role: DTLSConnection.Role) {
    guard let suite = SRTPSuite(protectionProfile: session.profile.rawValue),
      let (client, server) = SRTPKey.pair(exported: session.keyingMaterial.reveal(), suite: suite),
      let clients = try? SRTPKeys(suite, client), let servers = try? SRTPKeys(suite, server)
    else { return nil }
    self.init(send: role == .active ? clients : servers, receive: role == .active ? servers : clients)
  }
}
