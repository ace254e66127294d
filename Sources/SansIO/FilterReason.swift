/// Why a NAT or a firewall drops a packet.
public enum FilterReason: UInt8, Hashable, Sendable, CaseIterable {
  /// Nobody behind the NAT has this port (RFC 4787 §4.1).
  case noMapping
  /// The binding is older than its lifetime (RFC 4787 §4.3).
  case expired
  /// The host behind the NAT has sent nothing to this source (RFC 4787 §5).
  case stranger
  /// TCP: a connection attempt from outside (RFC 5382 §4.3).
  case inboundConnection
  /// TCP: a segment from inside that belongs to no connection the NAT knows (RFC 5382 §5).
  case noSession
  /// From inside to the NAT's own outside address (RFC 4787 §6).
  case noHairpin
  /// Every port of the outside address is taken (RFC 4787 §4.2).
  case noPort
  /// The NAT has no address of the destination's family outside (RFC 6146 §3.5).
  case wrongFamily
  /// A firewall: nothing was sent to this source from inside, and the port is not one that everybody may send to.
  case noPinhole
  /// A firewall: what was sent to this source from inside was sent too long ago.
  case pinholeClosed

  /// As a scenario and the journal write it: `no-mapping`.
  public var word: StaticString {
    switch self {
    case .noMapping: "no-mapping"
    case .expired: "expired"
    case .stranger: "stranger"
    case .inboundConnection: "inbound-connection"
    case .noSession: "no-session"
    case .noHairpin: "no-hairpin"
    case .noPort: "no-port"
    case .wrongFamily: "wrong-family"
    case .noPinhole: "no-pinhole"
    case .pinholeClosed: "pinhole-closed"
    }
  }

  /// What a capture's comment and a finding say; at most 80 bytes.
  public var sentence: StaticString {
    switch self {
    case .noMapping: "no binding has this port (RFC 4787 section 4.1)"
    case .expired: "the binding has expired (RFC 4787 section 4.3)"
    case .stranger: "no packet was sent to this source from inside (RFC 4787 section 5)"
    case .inboundConnection: "a connection attempt from outside (RFC 5382 section 4.3)"
    case .noSession: "the segment does not belong to a known connection (RFC 5382 section 5)"
    case .noHairpin: "it does not support hairpinning (RFC 4787 section 6)"
    case .noPort: "all outside ports are in use (RFC 4787 section 4.2)"
    case .wrongFamily: "it has no address of that family outside (RFC 6146 section 3.5)"
    case .noPinhole: "the firewall lets nobody in whom nobody inside has sent to"
    case .pinholeClosed: "the firewall's pinhole was idle too long and has closed"
    }
  }
}

extension FilterReason: CustomStringConvertible {
  public var description: String { "\(sentence)" }
}
