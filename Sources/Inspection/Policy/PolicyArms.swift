import SansIO
import WireReader

/// What a policy arms observers for: values of their own, so that who judges does not ask the code that is judged.
public struct PolicyArms: Hashable, Sendable {
  /// Media has to be SRTP.
  public var requiresSRTP = false
  /// Keys of SDES must not come over UDP or TCP.
  public var refusesKeysInClear = false
  public var requiresTLS = false
  /// As the list of the policy has them, in its order.
  public var transports: [ObservedTransport] = [.tls, .tcp, .udp]
  /// Sources that may call; empty = all.
  public var allow: [AddressBlock] = []
  /// Other sources get no answer at all.
  public var dropsStrangers = false
  /// What clients over TLS have to show; nil = they are not asked.
  public var clientCertificate: ClientTerms?
  /// Names of encodings, in the policy's order; empty = any.
  public var codecs: [String] = []

  public init() {}

  /// What is asked of those who connect over TLS (contract 8.8).
  public struct ClientTerms: Hashable, Sendable {
    /// Who shows none is not served; else only what is shown has to be right.
    public var isRequired: Bool
    public var proof: ClientProof

    public init(isRequired: Bool, proof: ClientProof) { (self.isRequired, self.proof) = (isRequired, proof) }

    /// `clientCertificate: required`
    var setting: String { "clientCertificate: \(isRequired ? "required" : "optional")" }
  }

  var limitsTransports: Bool { requiresTLS || transports.count < 3 }
  /// Which setting limits them.
  var transportSetting: String { requiresTLS ? "requireTLS" : "transports" }
  var mayDrop: Bool { dropsStrangers && !allow.isEmpty }

  func serves(_ transport: ObservedTransport) -> Bool { transports.contains(transport) && (transport == .tls || !requiresTLS) }

  /// The transports that are left, for a sentence: `TLS alone`, `TCP and UDP`.
  var servedText: String {
    let names = transports.filter(serves).map { $0.rawValue.uppercased() }
    return names.count == 1 ? "\(names[0]) alone" : names.isEmpty ? "no transport" : names.joined(separator: " and ")
  }

  /// Whether a source is to get no answer.
  func drops(_ source: IPAddress) -> Bool { mayDrop && !allow.contains { $0.holds(source) } }

  func lists(_ encoding: String) -> Bool { codecs.isEmpty || codecs.contains { $0.lowercased() == encoding.lowercased() } }
}

/// An address or a CIDR range by its leading bits (RFC 4632 §3.1). IPv4-mapped addresses are IPv4 (RFC 4291 §2.5.5.2).
public struct AddressBlock: Hashable, Sendable {
  /// Octets in network order, and how many bits of them count.
  private let octets: [UInt8]
  private let bits: Int

  public init(_ address: IPAddress, bits: Int) {
    let isMapped = address.isIPv6 && !address.unmapped.isIPv6 && bits >= 96
    octets = (isMapped ? address.unmapped : address).networkBytes
    self.bits = isMapped ? bits - 96 : bits
  }

  func holds(_ address: IPAddress) -> Bool {
    let other = address.unmapped.networkBytes
    guard other.count == octets.count else { return false }
    let whole = bits / 8
    guard other.prefix(whole) == octets.prefix(whole) else { return false }
    guard bits % 8 > 0 else { return true }
    let mask = ~(UInt8(0xFF) >> UInt8(bits % 8))
    return other[whole] & mask == octets[whole] & mask
  }
}
