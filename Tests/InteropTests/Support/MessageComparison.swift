import Foundation
import SIPMessage
import Testing

/// What one product sent in a scenario, message kind by message kind, made comparable: what is drawn anew for each call stands as a
/// placeholder, everything else as it was on the wire.
struct SentMessages {
  /// Of each kind the first one.
  private(set) var byKind: [String: Message] = [:]

  struct Message {
    var startLine: String
    /// Name as spelled and value with the white space before it, in order.
    var fields: [(name: String, value: String)]
    var description: [String]
  }

  /// - Parameters:
  ///   - messages: a whole conversation, both sides, in order.
  ///   - senders: the addresses of the product, without ports.
  ///   - other: the other side's address and domain.
  init(_ messages: [(source: String, message: SIPMessage)], from senders: [String], other: [String]) {
    var requests: [String: String] = [:]
    // An ACK is told by what it acknowledges.
    for (source, message) in messages {
      let kind = Self.kind(message, &requests)
      guard senders.contains(where: { source.hasPrefix($0 + ":") }), byKind[kind] == nil else { continue }
      byKind[kind] = Self.message(message, Placeholders(product: senders, other: other))
    }
  }

  /// `INVITE with credentials`, `re-INVITE`, `200 to re-INVITE`.
  private static func kind(_ message: SIPMessage, _ requests: inout [String: String]) -> String {
    let number = (try? message.cseq().number).map(String.init) ?? ""
    let key = "\((try? message.callID()) ?? "") \(message.first(.cseq)?.text ?? "")"
    let acknowledged = "\((try? message.callID()) ?? "") \(number) ACK"
    guard let method = message.method else {
      if let status = message.status, status >= 200 { requests[acknowledged] = "ACK of \(status) to \(requests[key] ?? "nothing")" }
      return "\(message.status ?? 0) to \(requests[key] ?? "nothing")"
    }
    if method == .ack { return requests[acknowledged] ?? "ACK" }
    let isInDialog = (try? message.to().tag) != nil
    let credentials = message.first(.authorization) == nil ? "" : " with credentials"
    requests[key] = isInDialog && method == .invite ? "re-INVITE" : method.token + credentials
    return requests[key] ?? method.token
  }

  private static func message(_ message: SIPMessage, _ placeholders: Placeholders) -> Message {
    let parts = message.bytes.text.components(separatedBy: "\r\n\r\n")
    let lines = (parts.first ?? "").components(separatedBy: "\r\n")
    let fields = lines.dropFirst().map { line -> (String, String) in
      let name = String(line.prefix { $0 != ":" })
      return (name, placeholders.header(name, String(line.dropFirst(name.count + 1))))
    }
    let body = parts.dropFirst().joined(separator: "\r\n\r\n").components(separatedBy: "\r\n").filter { !$0.isEmpty }
    return Message(startLine: placeholders.text(lines.first ?? ""), fields: fields, description: body.map(placeholders.description))
  }

  // MARK: - Differences

  /// `Allow | real: … | persona: … | in INVITE, REGISTER`, sorted.
  static func differences(real: SentMessages, persona: SentMessages) -> [String] {
    var kinds: [String: [String]] = [:]
    for kind in Set(real.byKind.keys).union(persona.byKind.keys).sorted() {
      switch (real.byKind[kind], persona.byKind[kind]) {
      case (let first?, let second?): for difference in differences(first, second) { kinds[difference, default: []].append(kind) }
      case (nil, _): kinds["sent by the persona alone", default: []].append(kind)
      case (_, nil): kinds["sent by the real one alone", default: []].append(kind)
      }
    }
    return kinds.map { "\($0.key) | in \($0.value.joined(separator: ", "))" }.sorted()
  }

  private static func differences(_ real: Message, _ persona: Message) -> [String] {
    var found: [String] = []
    if real.startLine != persona.startLine { found.append("start line | real: \(real.startLine) | persona: \(persona.startLine)") }
    let (names, others) = (real.fields.map(\.name), persona.fields.map(\.name))
    for name in Set(names).union(others).sorted() {
      let (first, second) = (values(real, name), values(persona, name))
      if first != second { found.append("\(name) | real:\(first) | persona:\(second)") }
    }
    let (common, same) = (names.filter(others.contains), others.filter(names.contains))
    if common != same { found.append("order | real: \(common.joined(separator: " ")) | persona: \(same.joined(separator: " "))") }
    let (own, foreign) = (
      real.description.filter { !persona.description.contains($0) }, persona.description.filter { !real.description.contains($0) }
    )
    if !own.isEmpty || !foreign.isEmpty {
      found.append("SDP | real: \(own.joined(separator: "  ")) | persona: \(foreign.joined(separator: "  "))")
    } else if real.description != persona.description {
      found.append(
        "SDP order | real: \(real.description.joined(separator: "  ")) | persona: \(persona.description.joined(separator: "  "))")
    }
    return found
  }

  /// With the colon's white space, so that spacing is compared.
  private static func values(_ message: Message, _ name: String) -> String {
    let values = message.fields.filter { $0.name == name }.map(\.value)
    return values.isEmpty ? " none" : values.joined(separator: " AND")
  }
}

/// Stands for what differs from call to call.
private struct Placeholders {
  let product: [String]
  let other: [String]

  private static let drawn: [(pattern: String, name: String)] = [
    ("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>"), ("z9hG4bK[0-9a-f]{24}", "<our branch>"),
    ("\\b[0-9a-f]{32}\\b", "<32 hex>"), ("\\b[0-9a-f]{16}\\b", "<16 hex>"), ("response=\"[0-9a-f]+\"", "response=\"<hex>\""),
    ("line=[a-z]{7}\\b", "line=<7 letters>"), ("Asterisk PBX 22\\.[^ ]+", "Asterisk PBX 22.<version>"),
  ]

  func text(_ text: String) -> String {
    var text = text
    for (pattern, name) in Self.drawn { text = text.replacingOccurrences(of: pattern, with: name, options: .regularExpression) }
    for address in product { text = text.replacingOccurrences(of: "\(address)\\b", with: "<product>", options: .regularExpression) }
    for address in other { text = text.replacingOccurrences(of: "\(address)(:5060)?\\b", with: "<other>", options: .regularExpression) }
    return text
  }

  func header(_ name: String, _ value: String) -> String {
    switch name.lowercased() {
    case "cseq": value.replacingOccurrences(of: "[0-9]+", with: "<number>", options: .regularExpression)
    case "content-length": value.replacingOccurrences(of: "[1-9][0-9]*", with: "<length>", options: .regularExpression)
    default: text(value)
    }
  }

  /// A line of SDP: `o=` keeps by how much its version is above its id.
  func description(_ line: String) -> String {
    if line.hasPrefix("m=") { return line.replacingOccurrences(of: "^m=audio [0-9]+", with: "m=audio <port>", options: .regularExpression) }
    let words = line.split(separator: " ").map(String.init)
    guard line.hasPrefix("o="), words.count == 6, let id = UInt64(words[1]), let version = UInt64(words[2]) else { return text(line) }
    let above = version >= id && version - id < 100 ? "<id + \(version - id)>" : "<version>"
    return text(([words[0], "<id>", above] + words[3...]).joined(separator: " "))
  }
}
