import SansIO

/// Goes through one message and replaces one address.
struct SIPRewriter {
  let alg: SIPALG
  let isOutbound: Bool
  let replacement: SIPALG.Replacement
  private(set) var changed: Rewriting.Fields = []
  private(set) var left: Rewriting.Fields = []

  init(alg: SIPALG, isOutbound: Bool, replacement: SIPALG.Replacement) {
    (self.alg, self.isOutbound, self.replacement) = (alg, isOutbound, replacement)
  }

  /// What this gateway leaves as it is, of what it should change.
  private var skipped: Rewriting.Fields {
    switch alg.habit {
    case .well, .wrongMediaPort, .everywhere: []
    case .keepsContentLength: .contentLength
    case .keepsContact: .contact
    case .connectionOnly: [.requestURI, .via, .contact, .fromTo, .origin, .media]
    case .keepsVia: isOutbound ? [] : .via
    }
  }

  mutating func rewrite(_ message: inout SIPText, promise: (TransportAddress) -> UInt16?) {
    if message.isRequest { replace(&message.lines[0], .requestURI) }
    var hasVia = false
    for index in message.lines.indices.dropFirst() {
      switch SIPText.headerName(message.lines[index]) {
      // The top one alone: the others are of hosts further away. That of a request from inside, and of the response to it.
      case "via", "v":
        if !hasVia, message.isRequest == isOutbound { replace(&message.lines[index], .via) }
        hasVia = true
      case "contact", "m": replace(&message.lines[index], .contact)
      case "from", "f", "to", "t": replace(&message.lines[index], .fromTo)
      default: break
      }
    }
    rewriteBody(&message, promise: promise)
  }

  private mutating func replace(_ line: inout [UInt8], _ field: Rewriting.Fields) {
    var scan = AddressScan(line)
    let isVia = field == .via
    guard let new = scan.replace(replacement, isVia: isVia) else { return }
    note(field)
    if !skipped.contains(field) { line = new }
  }

  private mutating func note(_ field: Rewriting.Fields) {
    if skipped.contains(field) { left.insert(field) } else { changed.insert(field) }
  }

  // MARK: - SDP

  private mutating func rewriteBody(_ message: inout SIPText, promise: (TransportAddress) -> UInt16?) {
    guard message.body.starts(with: Array("v=".utf8)) else { return }
    var lines = message.body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
    let old = message.body.count
    let media = isOutbound ? Self.mediaAddresses(lines) : [:]
    for index in lines.indices {
      switch lines[index].first {
      case UInt8(ascii: "o"): replaceBare(&lines[index], .origin)
      case UInt8(ascii: "c"): replaceBare(&lines[index], .connection)
      case UInt8(ascii: "m"):
        if let own = media[index], own.address == replacement.from.address { rewritePort(&lines[index], own, promise) }
      default: break
      }
    }
    message.body = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
    guard message.body.count != old, message.contentLength != nil else { return }
    note(.contentLength)
    if !skipped.contains(.contentLength) { message.contentLength = UInt64(message.body.count) }
  }

  private mutating func replaceBare(_ line: inout [UInt8], _ field: Rewriting.Fields) {
    var scan = AddressScan(line)
    guard let new = scan.replaceBare(replacement) else { return }
    note(field)
    if !skipped.contains(field) { line = new }
  }

  private mutating func rewritePort(_ line: inout [UInt8], _ own: TransportAddress, _ promise: (TransportAddress) -> UInt16?) {
    let isWrong = alg.habit == .wrongMediaPort
    let port = skipped.contains(.media) ? nil : isWrong ? own.port &+ 1_000 : promise(own)
    guard let port, port != own.port else { return }
    let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
    guard words.count == 3 else { return }
    line = Array([words[0], ArraySlice("\(port)".utf8), words[2]].joined(separator: [0x20]))
    changed.insert(.media)
    if isWrong { left.insert(.media) }
  }

  /// The address of each m= line that has a port: its own c=, else that of the session (RFC 8866 §5.7).
  private static func mediaAddresses(_ lines: [[UInt8]]) -> [Int: TransportAddress] {
    var (session, media, current): (IPAddress?, [Int: TransportAddress], Int?) = (nil, [:], nil)
    for (index, line) in lines.enumerated() {
      if line.starts(with: Array("m=".utf8)) {
        current = index
        let words = line.split(separator: UInt8(ascii: " "))
        guard words.count > 2, let port = UInt16(String(decoding: words[1], as: UTF8.self)), port > 0 else { continue }
        media[index] = TransportAddress(session ?? .anyV4, port: port)
      } else if line.starts(with: Array("c=".utf8)) {
        let last = line.split(separator: UInt8(ascii: " ")).last ?? []
        guard let address = IPAddress(String(decoding: last.filter { $0 != 0x0D }, as: UTF8.self)) else { continue }
        if let current { media[current]?.address = address } else { session = address }
      }
    }
    return media
  }

  // MARK: - Text

  /// The digits of one address for those of the other, wherever they are.
  mutating func replaceText(_ message: inout SIPText) {
    let (old, new) = (Array("\(replacement.from.address)".utf8), Array("\(replacement.to.address)".utf8))
    for index in message.lines.indices where Self.replace(old, new, in: &message.lines[index]) { changed.insert(.text) }
    guard Self.replace(old, new, in: &message.body) else { return }
    changed.insert(.text)
    if message.contentLength != nil { message.contentLength = UInt64(message.body.count) }
  }

  private static func replace(_ old: [UInt8], _ new: [UInt8], in text: inout [UInt8]) -> Bool {
    var (out, index, hasFound): ([UInt8], Int, Bool) = ([], 0, false)
    while index < text.count {
      if text[index] == old[0], index + old.count <= text.count, text[index..<index + old.count].elementsEqual(old) {
        out += new
        index += old.count
        hasFound = true
      } else {
        out.append(text[index])
        index += 1
      }
    }
    if hasFound { text = out }
    return hasFound
  }
}

/// Finds the IPv4 addresses of a line, each with the port behind it.
struct AddressScan {
  private let line: [UInt8]
  private var out: [UInt8] = []
  private var hasReplaced = false

  init(_ line: [UInt8]) { self.line = line }

  private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
  private static func isWord(_ byte: UInt8) -> Bool { isDigit(byte) || byte == UInt8(ascii: ".") || byte | 0x20 &- 0x61 < 26 }

  /// The end of an address that begins here.
  private func addressEnd(_ start: Int) -> Int? {
    guard start == 0 || !Self.isWord(line[start - 1]) else { return nil }
    var end = start
    while end < line.count, Self.isDigit(line[end]) || line[end] == UInt8(ascii: ".") { end += 1 }
    return end > start && (end == line.count || !Self.isWord(line[end])) ? end : nil
  }

  private func portEnd(_ colon: Int) -> Int? {
    guard colon < line.count, line[colon] == UInt8(ascii: ":") else { return nil }
    var end = colon + 1
    while end < line.count, Self.isDigit(line[end]) { end += 1 }
    return end > colon + 1 ? end : nil
  }

  private static func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

  /// Address and port of a URI or of Via's sent-by, where 5060 stands for no port; of Via also what `received`, `maddr` and `rport` say.
  ///
  /// - Returns: nil when nothing was replaced.
  mutating func replace(_ replacement: SIPALG.Replacement, isVia: Bool) -> [UInt8]? {
    var index = 0
    while index < line.count {
      guard Self.isDigit(line[index]), let end = addressEnd(index) else {
        out.append(line[index])
        index += 1
        continue
      }
      index = take(index, end, replacement, isVia: isVia)
    }
    return hasReplaced ? out : nil
  }

  private mutating func take(_ start: Int, _ end: Int, _ replacement: SIPALG.Replacement, isVia: Bool) -> Int {
    let isParameter = start > 0 && line[start - 1] == UInt8(ascii: "=")
    if isParameter {
      let isPort = isVia && line[..<start].suffix(6).elementsEqual(Array("rport=".utf8))
      let word = Self.text(line[start..<end])
      let isHit = isPort ? UInt16(word) == replacement.from.port : IPAddress(word) == replacement.from.address
      put(isHit ? Array((isPort ? "\(replacement.to.port)" : "\(replacement.to.address)").utf8) : Array(line[start..<end]), isHit)
      return end
    }
    let last = portEnd(end)
    let port = last.flatMap { UInt16(Self.text(line[(end + 1)..<$0])) } ?? 5060
    let isHit = IPAddress(Self.text(line[start..<end])) == replacement.from.address && port == replacement.from.port
    put(isHit ? Array("\(replacement.to)".utf8) : Array(line[start..<(last ?? end)]), isHit)
    return last ?? end
  }

  private mutating func put(_ bytes: [UInt8], _ isHit: Bool) {
    out += bytes
    if isHit { hasReplaced = true }
  }

  /// Addresses without a port, as o= and c= have them.
  mutating func replaceBare(_ replacement: SIPALG.Replacement) -> [UInt8]? {
    var index = 0
    while index < line.count {
      guard Self.isDigit(line[index]), let end = addressEnd(index) else {
        out.append(line[index])
        index += 1
        continue
      }
      let isHit = IPAddress(Self.text(line[index..<end])) == replacement.from.address
      put(isHit ? Array("\(replacement.to.address)".utf8) : Array(line[index..<end]), isHit)
      index = end
    }
    return hasReplaced ? out : nil
  }
}
