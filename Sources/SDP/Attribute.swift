/// The attributes of a=, by name, that offers and answers are made of (RFC 8866 §6).
enum Attribute: UInt8, Sendable {
  case other
  case rtpmap, fmtp, ptime, maxptime, rtcp, rtcpMux, crypto, fingerprint, setup, tlsID
  case sendrecv, sendonly, recvonly, inactive

  /// What stands behind `a=`: a name alone, or one with a colon and a value.
  init(_ span: Span<UInt8>, _ value: Range<Int>) {
    func isNamed(_ attribute: Attribute) -> Bool { SessionDescription.attribute(attribute.name, span, value) != nil }
    func isDirection(_ direction: MediaDirection) -> Bool { SDPText.isEqual(span, value, direction.name) }
    self = .other
    guard !value.isEmpty else { return }
    switch span[value.lowerBound] {
    case UInt8(ascii: "r"):
      if isNamed(.rtpmap) {
        self = .rtpmap
      } else if isNamed(.rtcp) {
        self = .rtcp
      } else if isNamed(.rtcpMux) {
        self = .rtcpMux
      } else if isDirection(.recvonly) {
        self = .recvonly
      }
    case UInt8(ascii: "s"):
      if isDirection(.sendrecv) {
        self = .sendrecv
      } else if isDirection(.sendonly) {
        self = .sendonly
      } else if isNamed(.setup) {
        self = .setup
      }
    case UInt8(ascii: "f"):
      if isNamed(.fmtp) {
        self = .fmtp
      } else if isNamed(.fingerprint) {
        self = .fingerprint
      }
    case UInt8(ascii: "t"): if isNamed(.tlsID) { self = .tlsID }
    case UInt8(ascii: "p"): if isNamed(.ptime) { self = .ptime }
    case UInt8(ascii: "m"): if isNamed(.maxptime) { self = .maxptime }
    case UInt8(ascii: "c"): if isNamed(.crypto) { self = .crypto }
    case UInt8(ascii: "i"): if isDirection(.inactive) { self = .inactive }
    default: break
    }
  }

  init(_ direction: MediaDirection) {
    switch direction {
    case .sendrecv: self = .sendrecv
    case .sendonly: self = .sendonly
    case .recvonly: self = .recvonly
    case .inactive: self = .inactive
    }
  }

  var name: StaticString {
    switch self {
    case .other: ""
    case .rtpmap: "rtpmap"
    case .fmtp: "fmtp"
    case .ptime: "ptime"
    case .maxptime: "maxptime"
    case .rtcp: "rtcp"
    case .rtcpMux: "rtcp-mux"
    case .crypto: "crypto"
    case .fingerprint: "fingerprint"
    case .setup: "setup"
    case .tlsID: "tls-id"
    case .sendrecv, .sendonly, .recvonly, .inactive: direction?.name ?? ""
    }
  }

  /// nil for any other attribute.
  var direction: MediaDirection? {
    switch self {
    case .sendrecv: .sendrecv
    case .sendonly: .sendonly
    case .recvonly: .recvonly
    case .inactive: .inactive
    case .other, .rtpmap, .fmtp, .ptime, .maxptime, .rtcp, .rtcpMux, .crypto, .fingerprint, .setup, .tlsID: nil
    }
  }
}

extension SessionDescription.Line {
  /// What follows the colon of the attribute; empty for a flag.
  var attributeValue: Range<Int> { min(value.lowerBound + attribute.name.utf8CodeUnitCount + 1, value.upperBound)..<value.upperBound }
}
