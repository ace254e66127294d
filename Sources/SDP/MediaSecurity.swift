import SRTP
import SansIO
import SecureTransport

/// What one side does about SRTP: how it offers keys, and what it takes (RFC 4568, RFC 5763, RFC 8643; contract 8.5).
public struct MediaSecurity: Hashable, Sendable {
  /// How an offer asks for SRTP.
  public enum Offer: String, Hashable, Sendable, CaseIterable {
    /// RTP/AVP without keys.
    case clear
    /// RTP/SAVP with keys: SRTP or no call.
    case savp
    /// RTP/AVP with keys, which a peer without SRTP does not look at (RFC 8643).
    case osrtp
    /// Two m= lines with one port, RTP/SAVP before RTP/AVP, of which the answer takes one.
    case bestEffort
    /// UDP/TLS/RTP/SAVP with a fingerprint: SRTP with keys of DTLS, or no call (RFC 5763).
    case dtls
  }

  public var offer: Offer
  /// Whether a stream without SRTP is agreed to.
  public var takesClear: Bool
  /// Whether SRTP with keys of SDES is agreed to.
  public var takesSRTP: Bool
  /// Whether SRTP with keys of DTLS is agreed to.
  public var takesDTLS: Bool
  /// What our offers say by `a=setup`; with `passive` our answers leave the first step to the peer as well (RFC 5763 §5).
  public var setup = DTLSSetup.actpass
  /// RTCP comes and goes on the port of RTP where the peer offers that, and with each offer of DTLS (RFC 5761).
  public var multiplexesRTCP = false
  /// What is offered, best first, and alone taken.
  public var suites: [SRTPSuite]

  public init(
    offer: Offer = .clear, takesClear: Bool = true, takesSRTP: Bool = true, takesDTLS: Bool = false,
    suites: [SRTPSuite] = SRTPSuite.preference
  ) {
    (self.offer, self.takesClear, self.takesSRTP, self.takesDTLS, self.suites) = (offer, takesClear, takesSRTP, takesDTLS, suites)
  }

  /// No SRTP.
  public static let none = MediaSecurity(takesSRTP: false)
  /// SRTP or no call.
  public static let required = MediaSecurity(offer: .savp, takesClear: false)
}

/// How both sides agreed to protect a stream.
public enum AgreedProtection: Hashable, Sendable {
  /// RTP goes in clear.
  case clear
  /// SRTP with these keys (RFC 4568).
  case sdes(AgreedKeys)
  /// SRTP with the keys of a handshake that is still to come, or has been (RFC 5764).
  case dtls(AgreedAssociation)
}

/// The keys of a stream in both directions. One reference, so that an agreement without them is no larger.
public final class AgreedKeys: Sendable {
  /// What we protect with.
  public let send: SRTPKeys
  /// What the peer protects with.
  public let receive: SRTPKeys

  public init(send: SRTPKeys, receive: SRTPKeys) { (self.send, self.receive) = (send, receive) }
}

extension AgreedKeys: Hashable {
  public static func == (one: AgreedKeys, other: AgreedKeys) -> Bool { one.send == other.send && one.receive == other.receive }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(send)
    hasher.combine(receive)
  }
}

/// The keys that one side sends with, drawn when they are first needed: one for each suite, which stays for the whole session, so that
/// nothing is keyed anew by a description that says the same (RFC 4568 §7.1.4), unless that is asked for.
struct OwnKeys: Sendable {
  private var entropy: Entropy
  private var isForked = false
  private let sessionID: UInt64
  private var keys: [SRTPSuite: SRTPKey] = [:]
  /// Those before an offer of others that is not answered yet.
  private var replaced: [SRTPSuite: SRTPKey]?

  /// - Parameter sessionID: whose keys they are; sessions with one source of randomness have different keys.
  init(_ entropy: Entropy, sessionID: UInt64) { (self.entropy, self.sessionID) = (entropy, sessionID) }

  mutating func key(for suite: SRTPSuite) -> SRTPKey {
    if let key = keys[suite] { return key }
    if !isForked { (entropy, isForked) = (entropy.fork("\(sessionID)"), true) }
    let key = SRTPKey(for: suite, entropy: &entropy)
    keys[suite] = key
    return key
  }

  /// An offer brings other keys: they hold when it is answered.
  mutating func renew() {
    if replaced == nil { replaced = keys }
    keys = [:]
  }

  /// The offer with other keys was answered, or refused.
  mutating func settle(isAccepted: Bool) {
    guard let replaced else { return }
    if !isAccepted { keys = replaced }
    self.replaced = nil
  }

  /// The lines of an offer, tags from 1 on.
  mutating func lines(_ suites: [SRTPSuite]) -> [CryptoAttribute] {
    var lines: [CryptoAttribute] = []
    for suite in suites { lines.append(CryptoAttribute(tag: UInt32(lines.count + 1), suite: suite, keys: [key(for: suite)])) }
    return lines
  }
}
