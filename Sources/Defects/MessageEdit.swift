import SIPMessage
import SansIO

/// A SIP message to be changed: header fields as text, by names without regard to case and compact form. What nobody changes stays as it
/// was.
public struct MessageEdit: Sendable {
  private struct Line: Sendable {
    var name: HeaderName
    var value: String
  }

  private let original: Bytes
  private var lines: [Line]
  private var start: String
  private var content: String
  public private(set) var isChanged = false

  /// - Returns: nil where the bytes are no SIP message in UTF-8.
  init?(_ bytes: Bytes) {
    guard let first = bytes.first, first >= UInt8(ascii: "A"), first <= UInt8(ascii: "z"), let message = try? SIPMessage.parse(bytes),
      message.bytes.count == bytes.count, String(validating: bytes.array, as: UTF8.self) != nil
    else { return nil }
    original = bytes
    start = message.startLineText
    lines = message.fields.map { Line(name: HeaderName($0.name.text), value: $0.value.text) }
    content = message.body.text
  }

  /// As it was where nothing was changed. Content-Length is right again.
  public var bytes: Bytes {
    guard isChanged else { return original }
    var text = "\(start)\r\n"
    for line in lines {
      let value = line.name == .contentLength ? "\(content.utf8.count)" : line.value
      text += "\(line.name.text): \(value)\r\n"
    }
    return Bytes("\(text)\r\n\(content)")
  }

  // MARK: - Start line

  public var startLine: String {
    get { start }
    set {
      isChanged = isChanged || newValue != start
      start = newValue
    }
  }

  public var isRequest: Bool { !start.hasPrefix("SIP/2.0 ") }
  /// nil for a request.
  public var status: Int? { isRequest ? nil : Int(start.dropFirst(8).prefix(3)) }
  /// Of a response that of the request.
  public var method: String {
    isRequest ? String(start.prefix { $0 != " " }) : self[.cseq].flatMap { $0.split(separator: " ").last.map(String.init) } ?? ""
  }

  public func isRequest(_ methods: String...) -> Bool { isRequest && methods.contains(method) }
  public func isResponse(_ range: ClosedRange<Int>, to methods: String...) -> Bool {
    status.map(range.contains) == true && (methods.isEmpty || methods.contains(method))
  }

  public var requestURI: String {
    get { isRequest ? start.split(separator: " ").dropFirst().first.map(String.init) ?? "" : "" }
    set { if isRequest { startLine = "\(method) \(newValue) SIP/2.0" } }
  }

  public mutating func setStatus(_ status: Int, _ phrase: String) { startLine = "SIP/2.0 \(status) \(phrase)" }

  /// The response to this request, of what every response copies (RFC 3261 §8.2.6.2).
  public mutating func makeResponse(_ status: Int, _ phrase: String) {
    startLine = "SIP/2.0 \(status) \(phrase)"
    lines.removeAll { ![HeaderName.via, .from, .to, .callID, .cseq, .contentLength].contains($0.name) }
    content = ""
  }

  // MARK: - Header fields

  public func values(_ name: HeaderName) -> [String] { lines.filter { $0.name == name }.map(\.value) }
  public func has(_ name: HeaderName) -> Bool { lines.contains { $0.name == name } }

  /// The first field of the name. Set to nil it takes all of them out, set where there is none it is added at the end.
  public subscript(_ name: HeaderName) -> String? {
    get { lines.first { $0.name == name }?.value }
    set {
      guard let newValue else { return replace(name, []) }
      if let index = lines.firstIndex(where: { $0.name == name }) {
        isChanged = isChanged || lines[index].value != newValue
        lines[index].value = newValue
      } else {
        isChanged = true
        lines.append(Line(name: name, value: newValue))
      }
    }
  }

  /// All fields of a name at once, where the first one was.
  public mutating func replace(_ name: HeaderName, _ values: [String]) {
    guard self.values(name) != values else { return }
    isChanged = true
    let place = lines.firstIndex { $0.name == name } ?? lines.count
    lines.removeAll { $0.name == name }
    lines.insert(contentsOf: values.map { Line(name: name, value: $0) }, at: min(place, lines.count))
  }

  // MARK: - Body

  public var body: String {
    get { content }
    set {
      isChanged = isChanged || newValue != content
      content = newValue
    }
  }

  public var hasDescription: Bool { !content.isEmpty && self[.contentType]?.lowercased().hasPrefix("application/sdp") == true }

  /// The lines of a session description, without their ends.
  public var sdp: [String] {
    get { content.split(separator: "\r\n").map(String.init) }
    set { body = newValue.map { "\($0)\r\n" }.joined() }
  }

  /// Changes each line of a description; nil takes it out.
  public mutating func mapSDP(_ change: (String) -> String?) {
    guard hasDescription else { return }
    sdp = sdp.compactMap(change)
  }
}

// MARK: - What messages are about

extension MessageEdit {
  public var callID: String { self[.callID] ?? "" }
  public var fromTag: String? { self[.from]?.parameter("tag") }
  public var toTag: String? { self[.to]?.parameter("tag") }
  public var branch: String { self[.via]?.parameter("branch") ?? "" }
  public var sequence: Int { self[.cseq].flatMap { Int($0.prefix { $0.isNumber }) } ?? 0 }
  /// A request within a dialog.
  public var isInDialog: Bool { isRequest && toTag != nil }

  public mutating func setSequence(_ number: Int) { self[.cseq] = "\(number) \(method)" }

  public mutating func setTopVia(_ change: (String) -> String) {
    var vias = values(.via)
    guard !vias.isEmpty else { return }
    vias[0] = change(vias[0])
    replace(.via, vias)
  }

  public mutating func setBranch(_ branch: String) { setTopVia { $0.setting("branch", to: branch) } }

  /// Gives a request of ours another value of a field; its responses will reach the host with the one it wrote.
  public mutating func disguise(_ name: HeaderName, as value: String, _ memory: inout Memory) {
    guard let own = self[name], own != value else { return }
    let before = branch
    self[name] = value
    memory.remember(name.text, was: own, branch: "\(name == .via ? branch : before) \(method)")
  }

  /// What came is a response to a request that was disguised.
  mutating func undisguise(_ memory: Memory) {
    guard !isRequest else { return }
    // A CANCEL has the branch of its INVITE.
    for (header, value) in memory.original(of: "\(branch) \(method)") {
      // What the server wrote into the Via stays.
      if header == HeaderName.via.text {
        setBranch(value.parameter("branch") ?? branch)
      } else {
        self[HeaderName(header)] = value
      }
    }
  }
}

extension String {
  /// The value of `;name=` behind a name-addr or in a Via; nil where there is none.
  func parameter(_ name: String) -> String? {
    parameterRange(name).map { range in String(self[range].drop { $0 != "=" }.dropFirst()) }
  }

  /// The parameter in another value, or added.
  func setting(_ name: String, to value: String) -> String {
    guard let range = parameterRange(name) else { return "\(self);\(name)=\(value)" }
    return replacingCharacters(in: range, with: ";\(name)=\(value)")
  }

  func without(_ name: String) -> String { parameterRange(name).map { replacingCharacters(in: $0, with: "") } ?? self }

  private func replacingCharacters(in range: Range<Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }

  /// From the semicolon to the end of the value.
  private func parameterRange(_ name: String) -> Range<Index>? {
    var place = lastIndex(of: ">") ?? startIndex
    while let semicolon = self[place...].firstIndex(of: ";") {
      let from = index(after: semicolon)
      let end = self[from...].firstIndex { $0 == ";" || $0 == "," } ?? endIndex
      let word = self[from..<end].prefix { $0 != "=" }
      if word.lowercased() == name { return semicolon..<end }
      place = end
      if end == endIndex { return nil }
      if self[end] == "," { return nil }
    }
    return nil
  }

  /// The value of `name=` in a challenge or credentials, without quotes.
  func item(_ name: String) -> String? { itemRange(name).map { String(self[$0]).trimmingQuotes } }

  /// An item in another value, written as given.
  func settingItem(_ name: String, to text: String) -> String {
    itemRange(name).map { replacingCharacters(in: $0, with: text) } ?? "\(self), \(name)=\(text)"
  }

  /// Without an item and the comma beside it.
  func withoutItem(_ name: String) -> String {
    guard let space = firstIndex(of: " ") else { return self }
    let kept = Self.items(self[index(after: space)...]).filter { !$0.lowercased().hasPrefix("\(name)=") }
    return "\(self[..<space]) \(kept.joined(separator: ", "))"
  }

  private func itemRange(_ name: String) -> Range<Index>? {
    var (place, isQuoted) = (startIndex, false)
    while place < endIndex {
      if self[place] == "\"" { isQuoted.toggle() }
      let begins = place == startIndex || " ,".contains(self[index(before: place)])
      if !isQuoted, begins, self[place...].hasPrefix("\(name)=") { return valueRange(from: index(place, offsetBy: name.count + 1)) }
      place = index(after: place)
    }
    return nil
  }

  private func valueRange(from begin: Index) -> Range<Index> {
    guard begin < endIndex else { return begin..<begin }
    guard self[begin] == "\"" else { return begin..<(self[begin...].firstIndex { $0 == "," || $0 == " " } ?? endIndex) }
    let close = self[index(after: begin)...].firstIndex(of: "\"")
    return begin..<(close.map(index(after:)) ?? endIndex)
  }

  /// Split at commas outside quotes.
  private static func items(_ text: Substring) -> [String] {
    var (items, isQuoted) = ([""], false)
    for character in text {
      if character == "\"" { isQuoted.toggle() }
      if character == ",", !isQuoted { items.append("") } else { items[items.count - 1].append(character) }
    }
    return items.map { String($0.drop { $0 == " " }) }
  }

  private var trimmingQuotes: String { hasPrefix("\"") && hasSuffix("\"") && count >= 2 ? String(dropFirst().dropLast()) : self }

  /// The elements of a list of name-addrs.
  var elements: [String] {
    var (items, isQuoted, isBracketed) = ([""], false, false)
    for character in self {
      if character == "\"" { isQuoted.toggle() }
      if character == "<" { isBracketed = true }
      if character == ">" { isBracketed = false }
      if character == ",", !isQuoted, !isBracketed { items.append("") } else { items[items.count - 1].append(character) }
    }
    return items.map { String($0.drop { $0 == " " }) }
  }

  /// What stands between the angle brackets, or all of it up to its parameters.
  var addressed: String {
    guard let open = firstIndex(of: "<"), let close = self[open...].firstIndex(of: ">") else { return String(prefix { $0 != ";" }) }
    return String(self[index(after: open)..<close])
  }
}
