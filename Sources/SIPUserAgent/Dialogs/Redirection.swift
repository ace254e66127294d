import SIPMessage
import SIPTransport
import SansIO

/// A place that a 3xx named.
struct AlternativeTarget {
  var uri: SIPURI
  /// 305: the request goes there unchanged (RFC 3261 §21.3.4).
  var isProxy: Bool

  /// Where to send: TLS for a sips URI, else by the transport parameter, else over the transport in use. nil for a name, whose servers have
  /// to be looked up.
  func target(insteadOf flow: Flow) -> SIPTarget? {
    guard let address = uri.host.address else { return nil }
    let names = uri.scheme == .sips || uri.parameters.contains("transport")
    let transport = (names ? uri.transport : nil) ?? flow.transport
    return SIPTarget(
      transport: transport, address: TransportAddress(address, port: uri.port ?? transport.defaultPort),
      serverName: transport == .tls ? uri.host.text : nil)
  }
}

/// What a request was redirected to and what is left to try (RFC 3261 §8.1.3.4).
struct TargetSet {
  /// Places a peer may send one request to; more is a loop, or an attack.
  static let limit = 8

  /// Places tried so far: a redirection back to one of them is a loop.
  private var tried: Set<String> = []
  private var waiting: [AlternativeTarget] = []

  /// Adds the contacts of a 3xx, the highest q first. From a sips URI no other scheme is followed: nobody asked for a call in the clear
  /// (RFC 3261 §8.1.3.4, RFC 5630 §3.1.4).
  mutating func add(_ response: SIPMessage, from current: SIPURI) {
    tried.insert(current.description)
    let byPreference = response.usableContacts.enumerated().sorted {
      (-$0.element.preference, $0.offset) < (-$1.element.preference, $1.offset)
    }
    let schemes: [SIPURI.Scheme] = current.scheme == .sips ? [.sips] : [.sip, .sips]
    let new = byPreference.map(\.element.uri).filter { schemes.contains($0.scheme) && !tried.contains($0.description) }
    waiting = new.map { AlternativeTarget(uri: $0, isProxy: response.status == 305) } + waiting
  }

  mutating func next() -> AlternativeTarget? {
    while !waiting.isEmpty {
      let target = waiting.removeFirst()
      if tried.count < Self.limit, tried.insert(target.uri.description).inserted { return target }
    }
    return nil
  }
}
