import SansIO

/// c= (RFC 8866 §5.7) as text: `IN IP4 224.2.36.42/127/3`.
public struct ConnectionLine: Hashable, Sendable {
  /// `IN`.
  public var network: String
  /// `IP4`, `IP6`, or what a peer wrote.
  public var addressType: String
  /// An address or a host name, without `/…`.
  public var host: String
  /// What follows the address: TTL and number of addresses, as written.
  public var scope: String?

  /// nil for a host name: nobody here resolves one.
  public var address: IPAddress? { IPAddress(host) }

  /// Reads what stands behind `c=`.
  init?(_ value: Bytes) {
    let parts = value.split(separator: SDPText.space)
    guard parts.count >= 3 else { return nil }
    (network, addressType) = (parts[0].text, parts[1].text)
    let pieces = parts[2].text.split(separator: "/", maxSplits: 1)
    guard let first = pieces.first else { return nil }
    host = String(first)
    scope = pieces.count > 1 ? String(pieces[1]) : nil
  }
}

/// b= (RFC 8866 §5.8) as text: `AS:64`, `TIAS:64000`, `CT:64`, `X-YZ:128`.
public struct Bandwidth: Hashable, Sendable {
  public var type: String
  /// kbit/s, but bit/s for TIAS, RS and RR (RFC 3890, RFC 3556).
  public var value: UInt64

  /// Reads what stands behind `b=`.
  init?(_ value: Bytes) {
    let parts = value.text.split(separator: ":", maxSplits: 1)
    guard parts.count == 2, let value = UInt64(parts[1].prefix { $0 != " " }) else { return nil }
    self.type = String(parts[0])
    self.value = value
  }

  public var bitsPerSecond: UInt64 {
    switch type {
    case "TIAS", "RS", "RR": value
    default: value.multipliedReportingOverflow(by: 1_000).overflow ? .max : value * 1_000
    }
  }
}
