import CSRTP
import SansIO

/// Why a received packet was dropped. Nothing changed for it but a count.
public enum SRTPDrop: UInt8, Error, Hashable, Sendable, CaseIterable {
  /// No RTP or RTCP header of version 2, or too short for tag, index and MKI (RFC 3711 §3.1, §3.4).
  case malformed
  /// The MKI is not one of our keys' (RFC 3711 §3.1).
  case unknownIdentifier
  /// The tag is wrong: another key, another ROC, or changed on its way (RFC 3711 §3.3, step 5).
  case authenticationFailed
  /// This index was received already (RFC 3711 §3.3.2).
  case replayed
  /// The index is before the replay window, or its ROC is past (RFC 3711 §3.3.2).
  case tooOld
  /// SRTCP without the E flag, though encryption was not declined (RFC 3711 §3.4, RFC 4568 §6.3.2).
  case unencrypted
  /// The key has protected as many packets as it may (RFC 3711 §9.2, RFC 4568 §6.1).
  case keyExpired
  /// One source more than a key is kept for (``SRTPReceiver/sourceLimit``).
  case tooManySources
  /// libsrtp2 could not do its work.
  case library
  /// It came before its keys (RFC 5763 §5). No receiver says so: there is none yet.
  case noKeys

  init(_ status: srtp_err_status_t) {
    switch status {
    case srtp_err_status_auth_fail, srtp_err_status_cipher_fail: self = .authenticationFailed
    case srtp_err_status_replay_fail: self = .replayed
    case srtp_err_status_replay_old, srtp_err_status_pkt_idx_old: self = .tooOld
    case srtp_err_status_key_expired: self = .keyExpired
    case srtp_err_status_bad_param, srtp_err_status_parse_err: self = .malformed
    case srtp_err_status_cant_check: self = .unencrypted
    default: self = .library
    }
  }
}

extension SRTPDrop: CustomStringConvertible {
  public var description: String {
    switch self {
    case .malformed: "not an SRTP or SRTCP packet (RFC 3711 §3.1, §3.4)"
    case .unknownIdentifier: "the MKI is not of a known key (RFC 3711 §3.1)"
    case .authenticationFailed: "the authentication tag is wrong (RFC 3711 §3.3)"
    case .replayed: "replayed (RFC 3711 §3.3.2)"
    case .tooOld: "older than the replay window (RFC 3711 §3.3.2)"
    case .unencrypted: "SRTCP is not encrypted (RFC 3711 §3.4)"
    case .keyExpired: "the lifetime of the key is over (RFC 3711 §9.2)"
    case .tooManySources: "too many sources with one key"
    case .library: "libsrtp2 failed"
    case .noKeys: "it came before its keys (RFC 5763 §5)"
    }
  }
}

/// How many packets were dropped, by cause.
public struct SRTPDropCounts: Hashable, Sendable {
  private var counts = [Int](repeating: 0, count: SRTPDrop.allCases.count)

  public init() {}

  public internal(set) subscript(cause: SRTPDrop) -> Int {
    get { counts[Int(cause.rawValue)] }
    set { counts[Int(cause.rawValue)] = newValue }
  }

  public mutating func add(_ cause: SRTPDrop) { self[cause] += 1 }

  public static func += (left: inout SRTPDropCounts, right: SRTPDropCounts) {
    for (cause, count) in right.causes { left[cause] += count }
  }

  public var total: Int { counts.reduce(0, +) }

  /// Those that occurred, in the order of ``SRTPDrop``.
  public var causes: [(cause: SRTPDrop, count: Int)] { SRTPDrop.allCases.map { ($0, self[$0]) }.filter { $0.count > 0 } }
}

extension SRTPDropCounts: CustomStringConvertible {
  /// `3 packets: replayed (RFC 3711 §3.3.2); …`
  public var description: String { causes.map { "\(CountText.of($0.count, "packet")): \($0.cause)" }.joined(separator: "; ") }
}

/// Why a packet of ours cannot be protected: our own mistake, or the key's end. The packet stays as it is.
public enum SRTPSendFailure: Error, Hashable, Sendable {
  /// No RTP or RTCP header of version 2, or too long for a datagram when it is protected.
  case malformed
  /// This sequence number was used already: the keystream may be used once only (RFC 3711 §9.1).
  case indexReused
  /// The key has protected as many packets as it may (RFC 3711 §9.2, RFC 4568 §6.1).
  case keyExpired
  case tooManySources
  /// libsrtp2's status.
  case library(UInt32)

  init(_ status: srtp_err_status_t) {
    switch status {
    case srtp_err_status_replay_fail, srtp_err_status_replay_old, srtp_err_status_pkt_idx_old: self = .indexReused
    case srtp_err_status_key_expired: self = .keyExpired
    case srtp_err_status_bad_param, srtp_err_status_parse_err: self = .malformed
    default: self = .library(status.rawValue)
    }
  }
}

/// libsrtp2 could not make a context: out of memory, or without a cipher.
public struct SRTPLibraryError: Error, Hashable, Sendable {
  /// libsrtp2's status.
  public var status: UInt32

  init(_ status: srtp_err_status_t) { self.status = status.rawValue }
}

extension SRTPLibraryError: CustomStringConvertible {
  public var description: String { "libsrtp2 cannot make a context: status \(status)" }
}
