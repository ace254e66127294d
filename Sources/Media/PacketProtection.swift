import Rules
import SDP
import SRTP
import SansIO
import SecureTransport

/// What is done to packets between a stream and its ports: nothing (RTP/AVP), or SRTP with the keys that were agreed (RFC 3711).
///
/// Verify, then commit: ``unprotect(_:_:)`` changes nothing but a count for a packet that it refuses, and a stream looks into none before.
struct PacketProtection: Sendable {
  /// The two ends. They belong to one stream and are used in its turns alone.
  // Unchecked: a stream is handled by its host's loop, one turn after the other, and is not copied while it runs.
  private final class Ends: @unchecked Sendable {
    let sender: SRTPSender
    let receiver: SRTPReceiver
    /// Of the association before: packets under its keys may still be on their way.
    let previous: SRTPReceiver?

    init(_ keys: AgreedKeys, previous: SRTPReceiver? = nil) throws(SRTPLibraryError) {
      sender = try SRTPSender(keys.send)
      receiver = try SRTPReceiver(keys.receive)
      self.previous = previous
    }

    func unprotect(_ packet: Bytes, _ kind: SRTPPacketKind) throws(SRTPDrop) -> Bytes {
      do throws(SRTPDrop) { return try receiver.unprotect(packet, kind) } catch {
        if let opened = try? previous?.unprotect(packet, kind) { return opened }
        throw error
      }
    }
  }

  private enum State: Sendable {
    case clear
    /// SRTP whose keys a handshake has still to give: nothing leaves, and nothing is let in (RFC 5763 §5).
    case awaiting
    case secure(Ends)
    /// libsrtp2 could not take the keys: nothing leaves, and nothing is let in.
    case broken
  }

  private var audio = State.clear
  private var control = State.clear
  /// What a new key does to the rollover counter.
  private let reading: RolloverReading
  /// What was dropped under keys that are no more, or before any; nil = nothing.
  private var earlierDrops: SRTPDropCounts?

  init(_ agreement: AudioAgreement, reading: RolloverReading) {
    self.reading = reading
    switch agreement.protection {
    case .clear: break
    case .sdes(let keys): begin(keys)
    case .dtls: (audio, control) = (.awaiting, .awaiting)
    }
  }

  private mutating func begin(_ keys: AgreedKeys) {
    retire()
    do throws(SRTPLibraryError) { audio = .secure(try Ends(keys)) } catch { audio = .broken }
    control = audio
  }

  var isSecure: Bool { if case .clear = audio { false } else { true } }

  private func state(_ kind: SRTPPacketKind) -> State { kind == .rtp ? audio : control }

  /// Takes the keys of a new agreement (RFC 3711 §3.3.1, RFC 4568 §7.1.4); those of another association follow when it has them.
  ///
  /// - Parameter isBack: the media was elsewhere, under keys that this stream never had.
  mutating func change(to agreement: AudioAgreement, from old: AudioAgreement, isBack: Bool) {
    switch agreement.protection {
    case .clear:
      retire()
      (audio, control) = (.clear, .clear)
    case .sdes(let keys):
      guard case .secure(let ends) = audio, old.keys != nil else { return begin(keys) }
      do throws(SRTPLibraryError) {
        try ends.sender.rekey(keys.send, isNewAddress: agreement.local != old.local, reading: reading)
        try ends.receiver.rekey(keys.receive, isNewAddress: agreement.remote != old.remote, reading: reading)
      } catch { (audio, control) = (.broken, .broken) }
    case .dtls:
      // The peer goes on with the keys that both have. Another certificate is another peer, and what comes late from another address, such
      // as that of a music server, is no sign of where the peer is now.
      let hasSameCertificate = old.association.map { $0.fingerprints == agreement.association?.fingerprints } ?? (old.keys != nil)
      let isSamePeer = agreement.association == old.association || hasSameCertificate && agreement.remote == old.remote
      if !isSamePeer || isBack && agreement.association != old.association { lock() }
    }
  }

  /// Takes the keys that a handshake gave for some kinds of packets; both are new, and so are their rollover counters (RFC 5764 §5.2).
  mutating func key(_ kinds: [SRTPPacketKind], with keys: AgreedKeys) {
    var next = State.broken
    var previous: SRTPReceiver?
    if case .secure(let ends) = state(kinds.first ?? .rtp) { previous = ends.receiver }
    retire(kinds)
    do throws(SRTPLibraryError) { next = .secure(try Ends(keys, previous: previous)) } catch {}
    for kind in kinds { if kind == .rtp { audio = next } else { control = next } }
  }

  /// The association is over: nothing more leaves under its keys.
  mutating func lock() {
    retire()
    (audio, control) = (.awaiting, .awaiting)
  }

  /// A packet came that no key opens yet.
  mutating func dropEarly() { count { $0.add(.noKeys) } }

  private mutating func count(_ body: (inout SRTPDropCounts) -> Void) {
    var counts = earlierDrops ?? SRTPDropCounts()
    body(&counts)
    earlierDrops = counts
  }

  /// Keys of these kinds of packets are no more; what was dropped under them is remembered.
  private mutating func retire(_ kinds: [SRTPPacketKind] = [.rtp, .rtcp]) {
    let both = [audio, control].map { if case .secure(let ends) = $0 { ends } else { Ends?.none } }
    let (isAudio, isControl) = (kinds.contains(.rtp), kinds.contains(.rtcp))
    if isAudio, let ends = both[0], isControl || ends !== both[1] { count { $0 += ends.receiver.drops } }
    if isControl, let ends = both[1], ends !== both[0] { count { $0 += ends.receiver.drops } }
  }

  /// Turns a packet that is about to leave into what goes on the wire; false where it must not leave.
  func protect(_ packet: inout [UInt8], _ kind: SRTPPacketKind) -> Bool {
    switch state(kind) {
    case .clear: return true
    case .awaiting, .broken: return false
    case .secure(let ends):
      do throws(SRTPSendFailure) {
        try ends.sender.protect(&packet, kind)
        return true
      } catch { return false }
    }
  }

  /// Whether packets of a kind cannot be looked into before a handshake has ended.
  func isAwaiting(_ kind: SRTPPacketKind) -> Bool { if case .awaiting = state(kind) { true } else { false } }

  /// The packet inside of what came.
  func unprotect(_ packet: Bytes, _ kind: SRTPPacketKind) throws(SRTPDrop) -> Bytes {
    switch state(kind) {
    case .clear: packet
    case .awaiting, .broken: throw .library
    case .secure(let ends): try ends.unprotect(packet, kind)
    }
  }

  /// Bytes that ``protect(_:_:)`` adds to an RTP packet.
  var overhead: Int {
    switch audio {
    case .clear, .awaiting, .broken: 0
    case .secure(let ends): ends.sender.keys.overhead(.rtp)
    }
  }

  /// What could not be verified, by its cause.
  var drops: SRTPDropCounts {
    var drops = earlierDrops ?? SRTPDropCounts()
    if case .secure(let ends) = audio { drops += ends.receiver.drops }
    if case .secure(let ends) = control {
      if case .secure(let others) = audio, others === ends { return drops }
      drops += ends.receiver.drops
    }
    return drops
  }
}

extension SRTPDrop {
  /// Whether who sends such a packet breaks a rule: a network that repeats or delays packets does neither.
  var isViolation: Bool {
    switch self {
    case .malformed, .unknownIdentifier, .authenticationFailed, .unencrypted, .keyExpired: true
    case .replayed, .tooOld, .tooManySources, .library, .noKeys: false
    }
  }
}
