import SIPMessage
import SansIO

/// The text of a raw message, or of a part of one, with places that are filled when it is sent.
///
/// - `${branch.NAME}`, `${tag.NAME}`, `${callID.NAME}`: made from the run's seed; the same name is the same value in the whole run.
///   `${fingerprint.NAME}`: of the certificate that a DTLS association shows by this name.
/// - `${received.FIELD}`: from the newest message that the sender received; `${ok.FIELD}`: from a message that an expectation named `ok`.
///   FIELD is a header field, `start` or `body`; a third part takes a piece of it: `uri`, `number`, or a parameter (`${ok.To.tag}`);
///   of a body the first attribute of that name (`${ok.body.crypto}`).
/// - `${body.length}`: the number of bytes after the empty line.
///
/// Everything that a wire member writes is such a text; everywhere else a place is refused when the file is read (``NodeReader/text()``).
struct MessageTemplate: Sendable {
  private enum Part: Sendable {
    case text(String)
    case made(String, name: String)
    case bodyLength
    /// nil = from the newest message.
    case taken(from: String?, field: String, piece: String?)
  }

  private static let made = ["branch", "tag", "callID", "fingerprint"]
  private static let reserved = made + ["received", "body"]
  static let reservedText = reserved.joined(separator: ", ")

  /// Whether an expectation may call its message so.
  static func isName(_ name: String) -> Bool {
    !reserved.contains(name) && !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" }
  }

  private var parts: [Part] = []
  /// As the scenario has it.
  let text: String

  /// Throws for a place that nothing can fill.
  init(_ text: String, at place: NodeReader, _ scope: StepScope) throws(SourceProblem) {
    self.text = text
    var rest = text[...]
    while let start = rest.firstRange(of: "${"), let end = rest[start.upperBound...].firstIndex(of: "}") {
      parts.append(.text(String(rest[..<start.lowerBound])))
      let name = String(rest[start.upperBound..<end])
      parts.append(try Self.part(name, place, scope))
      rest = rest[rest.index(after: end)...]
    }
    guard !rest.contains("${") else { throw place.problem("a place begins with '${' but does not end with '}'") }
    parts.append(.text(String(rest)))
  }

  private static func part(_ name: String, _ place: NodeReader, _ scope: StepScope) throws(SourceProblem) -> Part {
    let words = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard (2...3).contains(words.count), words.allSatisfy({ !$0.isEmpty }) else {
      throw place.problem("'${\(name)}' is not a place: expected ${NAME.FIELD}, such as ${received.To}. Known: \(known(scope))")
    }
    let piece = words.count == 3 ? words[2] : nil
    if made.contains(words[0]), piece == nil { return .made(words[0], name: words[1]) }
    if words[0] == "body", words[1] == "length", piece == nil { return .bodyLength }
    if words[0] == "received" { return .taken(from: nil, field: words[1], piece: piece) }
    if scope.messages.contains(words[0]) {
      scope.notes.use(.message, words[0])
      return .taken(from: words[0], field: words[1], piece: piece)
    }
    let hint = Spelling.hint(for: words[0], among: reserved + scope.messages)
    throw place.problem(
      "'${\(name)}' is not a place: no earlier expectation names a message '\(words[0])'\(hint.isEmpty ? "." : hint) Known: \(known(scope))"
    )
  }

  private static func known(_ scope: StepScope) -> String { (made + ["received", "body.length"] + scope.messages).joined(separator: ", ") }

  /// Nothing in it is to be filled.
  var isLiteral: Bool { parts.allSatisfy { if case .text = $0 { true } else { false } } }

  /// Whether the length of the body is asked for.
  var hasBodyLength: Bool { parts.contains { if case .bodyLength = $0 { true } else { false } } }

  /// The bytes of a whole message, with CRLF; or what is missing for them.
  func message(_ script: inout Script, sender: String) throws(Missing) -> Bytes {
    var text = try fill(&script, sender: sender, endsLines: true)
    return Bytes(text.completed(bodyLength: text.bodyLength))
  }

  /// The text of a part of a message, beside a body of this many bytes.
  func part(_ script: inout Script, sender: String, bodyLength: Int = 0) throws(Missing) -> String {
    var text = try fill(&script, sender: sender, endsLines: false)
    return String(decoding: text.completed(bodyLength: bodyLength), as: UTF8.self)
  }

  /// A text with everything in it but the length of the body, which is known at its end.
  private struct Filled {
    private var octets: [UInt8] = []
    /// Where the length stands.
    private var places: [Int] = []
    /// Every line ends in CRLF, also where the scenario has a line feed alone.
    private let endsLines: Bool
    private static let emptyLine: [UInt8] = [10, 13, 10]

    init(endsLines: Bool) {
      self.endsLines = endsLines
      octets.reserveCapacity(1_024)
    }

    mutating func append(_ text: String) {
      guard endsLines else { return octets.append(contentsOf: text.utf8) }
      for octet in text.utf8 {
        if octet == 10, octets.last != 13 { octets.append(13) }
        octets.append(octet)
      }
    }

    mutating func appendLength() { places.append(octets.count) }

    /// The number of octets behind the empty line.
    var bodyLength: Int {
      var index = 0
      while index + 3 < octets.count {
        if octets[index] == 13, octets[(index + 1)...].starts(with: Self.emptyLine) { return octets.count - index - 4 }
        index += 1
      }
      return 0
    }

    mutating func completed(bodyLength: Int) -> [UInt8] {
      for place in places.reversed() { octets.insert(contentsOf: String(bodyLength).utf8, at: place) }
      return octets
    }
  }

  private func fill(_ script: inout Script, sender: String, endsLines: Bool) throws(Missing) -> Filled {
    var text = Filled(endsLines: endsLines)
    for part in parts {
      switch part {
      case .text(let literal): text.append(literal)
      case .made("fingerprint", let name): text.append(try script.fingerprint(name))
      case .made(let kind, let name): text.append(script.madeIdentifier(kind, name))
      case .bodyLength: text.appendLength()
      case .taken(let source, let field, let piece):
        guard let message = source.map({ script.captured[$0] }) ?? script.received[sender]?.last?.message else {
          throw Missing(text: source.map { "no message has been named \($0)" } ?? "\(sender) has received no message")
        }
        guard let value = Self.value(of: field, piece, in: message) else {
          throw Missing(text: "'\(message.startLineText)' has no \(field)\(piece.map { " with \($0)" } ?? "")")
        }
        text.append(value)
      }
    }
    return text
  }

  /// Why a message cannot be built.
  struct Missing: Error {
    var text: String

    func finding(of sender: String, _ what: String, _ script: Script) -> Finding {
      Finding(
        rule: "the scenario", expected: "\(sender) can build '\(what)'", observed: text, evidence: script.lastEvidence[sender],
        about: .messages(to: sender))
    }
  }

  /// The value of the first attribute of this name in a session description.
  static func attribute(_ name: String, of body: String) -> String? {
    let lines = body.split { $0 == "\r\n" || $0 == "\n" }
    return lines.first { $0.hasPrefix("a=\(name):") }.map { String($0.dropFirst(name.count + 3)) }
  }

  private static func value(of field: String, _ piece: String?, in message: SIPMessage) -> String? {
    let whole: String? =
      switch field {
      case "start": message.startLineText
      case "body": message.body.text
      default: message.first(HeaderName(field))?.text
      }
    guard let whole, let piece else { return whole }
    if field == "body" { return attribute(piece, of: whole) }
    switch piece {
    case "uri":
      guard let open = whole.firstIndex(of: "<") else { return String(whole.prefix { $0 != ";" && $0 != " " }) }
      return whole[open...].firstIndex(of: ">").map { String(whole[whole.index(after: open)..<$0]) }
    case "number":
      let digits = whole.prefix(while: \.isNumber)
      return digits.isEmpty ? nil : String(digits)
    default:
      // A parameter stands behind the URI's angle brackets, or behind the first semicolon.
      let tail = whole.lastIndex(of: ">").map { whole[$0...] } ?? whole[...]
      let parameters = tail.split(separator: ";").dropFirst().map { $0.split(separator: "=", maxSplits: 1) }
      return parameters.first { $0.first?.lowercased() == piece.lowercased() && $0.count == 2 }.map {
        String($0[1].filter { $0 != " " && $0 != "\"" })
      }
    }
  }
}

extension ValueType where Value == MessageTemplate {
  static var template: ValueType {
    ValueType(.text) { (place, scope) throws(SourceProblem) in
      let text = try place.template()
      scope.useNames(in: text)
      return try MessageTemplate(text, at: place, scope)
    }
  }
}
