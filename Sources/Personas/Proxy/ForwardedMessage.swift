import SIPMessage
import SansIO

/// A message as a proxy forwards it: its lines as they came, but for those that RFC 3261 §16.6 and §16.7 change.
struct ForwardedMessage {
  private var start: String
  private var fields: [(name: HeaderName, value: String)]
  private let body: Bytes

  init(_ message: SIPMessage) {
    start = message.startLineText
    fields = message.fields.map { (HeaderName($0.name.text), $0.value.text) }
    body = message.body
  }

  mutating func setRequestURI(_ uri: String) {
    let words = start.split(separator: " ")
    if words.count == 3 { start = "\(words[0]) \(uri) \(words[2])" }
  }

  /// The elements of all lines of a list field.
  func elements(_ name: HeaderName) -> [String] {
    fields.filter { $0.name == name }.flatMap { field in
      var parts: [String] = [""]
      var isQuoted = false
      var depth = 0
      for character in field.value {
        if character == "\"" { isQuoted.toggle() }
        if character == "<" { depth += 1 } else if character == ">" { depth -= 1 }
        if character == ",", !isQuoted, depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
      }
      return parts.map { $0.trimmed }
    }
  }

  /// Writes a list field anew, a line for each element, where its first line was; else before all others.
  mutating func set(_ name: HeaderName, _ elements: [String]) {
    let place = fields.firstIndex { $0.name == name } ?? 0
    fields.removeAll { $0.name == name }
    fields.insert(contentsOf: elements.map { (name, $0) }, at: min(place, fields.count))
  }

  mutating func push(_ name: HeaderName, _ element: String) { set(name, [element] + elements(name)) }

  /// Where the request really came from (RFC 3261 §18.2.1, RFC 3581 §4), in its topmost Via.
  mutating func note(source: TransportAddress) {
    var vias = elements(.via)
    guard let top = vias.first else { return }
    vias[0] = top.split(separator: ";", omittingEmptySubsequences: false).map { part in
      part.trimmingSpace == "rport" ? "rport=\(source.port);received=\(source.address.unmapped)" : String(part)
    }.joined(separator: ";")
    set(.via, vias)
  }

  /// nil where it cannot be read.
  var topVia: Via? {
    guard let top = elements(.via).first else { return nil }
    do { return try Via(parsing: top) } catch { return nil }
  }

  var bytes: Bytes {
    let head = ([start] + fields.map { "\($0.name): \($0.value)" }).joined(separator: "\r\n")
    return Bytes(Array("\(head)\r\n\r\n".utf8) + body.array)
  }

  /// A response of the proxy's own to a request (RFC 3261 §8.2.6).
  static func response(_ status: Int, _ phrase: String, to request: SIPMessage, from source: TransportAddress, tag: String?) -> Bytes {
    var copy = ForwardedMessage(request)
    copy.note(source: source)
    let names: [HeaderName] = [.via, .from, .to, .callID, .cseq]
    copy.fields = copy.fields.filter { names.contains($0.name) }
    if let tag, request.toTag == nil {
      copy.fields = copy.fields.map { $0.name == .to ? ($0.name, "\($0.value);tag=\(tag)") : $0 }
    }
    copy.fields.append((.contentLength, "0"))
    let head = (["SIP/2.0 \(status) \(phrase)"] + copy.fields.map { "\($0.name): \($0.value)" }).joined(separator: "\r\n")
    return Bytes("\(head)\r\n\r\n")
  }
}

extension StringProtocol {
  fileprivate var trimmingSpace: Substring {
    let start = firstIndex { $0 != " " && $0 != "\t" } ?? endIndex
    return Substring(self[start...].reversed().drop { $0 == " " || $0 == "\t" }.reversed().map(String.init).joined())
  }
  fileprivate var trimmed: String { String(trimmingSpace) }
}
