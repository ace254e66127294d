import Rules
import SDP
import SRTP
import SansIO

/// What is done to packets between a stream and its ports: nothing (RTP/AVP), or SRTP with the keys that were agreed (RFC 3711).
///
/// Verify, then commit: ``unprotect(_:_:)`` changes nothing but a count for a packet that it refuses, and a stream looks into none before.
struct PacketProtection: Sendable {
  /// The two ends. They belong to one stream and are used in its turns alone.
  // Unchecked: a stream is handled by its host's loop, one turn after the other, and is not copied while it runs.
  private final class Ends: @unchecked Sendable {
    let sender: SRTPSender
    let receiver: SRTPReceiver

    init(_ keys: AgreedKeys) throws(SRTPLibraryError) {
      sender = try SRTPSender(keys.send)
      receiver = try SRTPReceiver(keys.receive)
    }
  }

  private enum State: Sendable {
    case clear
    case secure(Ends)
    /// libsrtp2 could not take the keys: nothing leaves, and nothing is let in.
    case broken
  }

  private var state = State.clear
  /// What a new key does to the rollover counter.
  private let reading: RolloverReading

  init(_ agreement: AudioAgreement, reading: RolloverReading) {
    self.reading = reading
    if let keys = agreement.keys { begin(keys) }
  }

  private mutating func begin(_ keys: AgreedKeys) {
    do throws(SRTPLibraryError) { state = .secure(try Ends(keys)) } catch { state = .broken }
  }

  var isSecure: Bool { if case .clear = state { false } else { true } }

  /// Takes the keys of a new agreement (RFC 3711 §3.3.1, RFC 4568 §7.1.4).
  mutating func change(to agreement: AudioAgreement, from old: AudioAgreement) {
    guard let keys = agreement.keys else { return state = .clear }
    guard case .secure(let ends) = state else { return begin(keys) }
    do throws(SRTPLibraryError) {
      try ends.sender.rekey(keys.send, isNewAddress: agreement.local != old.local, reading: reading)
      try ends.receiver.rekey(keys.receive, isNewAddress: agreement.remote != old.remote, reading: reading)
    } catch { state = .broken }
  }

  /// Turns a packet that is about to leave into what goes on the wire; false where it must not leave.
  func protect(_ packet: inout [UInt8], _ kind: SRTPPacketKind) -> Bool {
    switch state {
    case .clear: return true
    case .broken: return false
    case .secure(let ends):
      do throws(SRTPSendFailure) {
        try ends.sender.protect(&packet, kind)
        return true
      } catch { return false }
    }
  }

  /// The packet inside of what came.
  func unprotect(_ packet: Bytes, _ kind: SRTPPacketKind) throws(SRTPDrop) -> Bytes {
    switch state {
    case .clear: packet
    case .broken: throw .library
    case .secure(let ends): try ends.receiver.unprotect(packet, kind)
    }
  }

  /// Bytes that ``protect(_:_:)`` adds to an RTP packet.
  var overhead: Int {
    switch state {
    case .clear, .broken: 0
    case .secure(let ends): ends.sender.keys.overhead(.rtp)
    }
  }

  /// What could not be verified, by its cause.
  var drops: SRTPDropCounts {
    switch state {
    case .clear, .broken: SRTPDropCounts()
    case .secure(let ends): ends.receiver.drops
    }
  }
}

extension SRTPDrop {
  /// Whether who sends such a packet breaks a rule: a network that repeats or delays packets does neither.
  var isViolation: Bool {
    switch self {
    case .malformed, .unknownIdentifier, .authenticationFailed, .unencrypted, .keyExpired: true
    case .replayed, .tooOld, .tooManySources, .library: false
    }
  }
}
