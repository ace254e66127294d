import SIPMessage
import SIPTransport
import SansIO
import ScenarioModel

/// Why a text does not name a listener, in one sentence each.
public enum ListenerMistake: Error, Hashable, Sendable, CustomStringConvertible {
  case incomplete
  case unknownTransport(String)
  case missingPort(String)
  case portOutOfRange(String)
  case notAnAddress(String)
  case wildcard(IPAddress)

  public var description: String {
    switch self {
    case .incomplete: "expected a transport and an address with its port, such as 'udp 127.0.0.1:5060'"
    case .unknownTransport(let word): "'\(word)' is not one of udp, tcp, tls\(Spelling.hint(for: word, among: ["udp", "tcp", "tls"]))"
    case .missingPort(let text): "the port is missing, such as \(text.contains(":") ? "[\(text)]" : text):5060"
    case .portOutOfRange(let text): "the port '\(text)' is not a number from 0 to 65535"
    case .notAnAddress(let text):
      "'\(text)' is not an IP address such as 127.0.0.1 or [::1]; names are not taken, since Contact and SDP carry the address itself"
    case .wildcard(let address):
      "\(address) is the wildcard; expected a concrete address of this machine, since Contact and SDP carry it"
    }
  }
}

/// Reads listeners as people write them: `udp 127.0.0.1:5060`.
public enum ListenerText {
  public static func read(_ text: String) throws(ListenerMistake) -> TransportListener {
    let words = text.split { $0 == " " || $0 == "\t" }.map(String.init)
    guard let word = words.first, words.count <= 2 else { throw .incomplete }
    guard let transport = SIPTransportProtocol(rawValue: word.lowercased()), [.udp, .tcp, .tls].contains(transport) else {
      throw words.count == 2 ? .unknownTransport(word) : .incomplete
    }
    guard words.count == 2 else { throw .incomplete }
    return TransportListener(transport, try address(words[1]))
  }

  private static func address(_ text: String) throws(ListenerMistake) -> TransportAddress {
    if let bare = IPAddress(unbracketed(text)) { throw bare.isUnspecified ? .wildcard(bare) : .missingPort(bare.description) }
    guard let colon = text.lastIndex(of: ":") else { throw .notAnAddress(text) }
    let (host, port) = (String(text[..<colon]), String(text[text.index(after: colon)...]))
    guard let address = IPAddress(unbracketed(host)), !address.isIPv6 || host.first == "[" else { throw .notAnAddress(host) }
    guard !port.isEmpty else { throw .missingPort(address.description) }
    guard let number = UInt16(port) else { throw .portOutOfRange(port) }
    guard !address.isUnspecified else { throw .wildcard(address) }
    return TransportAddress(address, port: number)
  }

  private static func unbracketed(_ text: String) -> String {
    text.first == "[" && text.last == "]" ? String(text.dropFirst().dropLast()) : text
  }
}

extension ValueType where Value == TransportListener {
  static var listener: ValueType {
    ValueType(.quantity(.listener)) { (place, _) throws(SourceProblem) in
      let text = try place.text()
      do throws(ListenerMistake) { return try ListenerText.read(text) } catch { throw place.problem("'\(text)': \(error)") }
    }
  }
}
