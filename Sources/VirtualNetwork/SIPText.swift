import SansIO

/// A SIP message as a cheap router reads it: lines.
struct SIPText {
  /// The start line and the header lines, without their line ends; folded lines stand alone.
  var lines: [[UInt8]]
  var body: [UInt8]

  private static let version = Array("SIP/2.0".utf8)
  private static let (cr, lf) = (UInt8(ascii: "\r"), UInt8(ascii: "\n"))

  /// - Returns: nil for what does not begin as a message does, or has no end of its header.
  init?(_ bytes: Bytes) {
    let text = bytes.array
    var (lines, start, index): ([[UInt8]], Int, Int) = ([], 0, 0)
    while let end = Self.lineEnd(text, from: index) {
      if end == start {
        guard let first = lines.first, first.starts(with: Self.version) || first.suffix(7).elementsEqual(Self.version) else { return nil }
        (self.lines, body) = (lines, Array(text[(end + 2)...]))
        return
      }
      lines.append(Array(text[start..<end]))
      (start, index) = (end + 2, end + 2)
    }
    return nil
  }

  private static func lineEnd(_ text: [UInt8], from index: Int) -> Int? {
    var index = index
    while index + 1 < text.count {
      if text[index] == cr, text[index + 1] == lf { return index }
      index += 1
    }
    return nil
  }

  var bytes: Bytes {
    var out: [UInt8] = []
    out.reserveCapacity(lines.reduce(body.count + 2) { $0 + $1.count + 2 })
    for line in lines { out += line + [Self.cr, Self.lf] }
    return Bytes(out + [Self.cr, Self.lf] + body)
  }

  var isRequest: Bool { !(lines.first?.starts(with: Self.version) ?? true) }

  /// `INVITE`, `200 to INVITE`.
  var name: String {
    let words = (lines.first ?? []).split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
    if isRequest { return words.first ?? "?" }
    let method = value("cseq").map { String(decoding: $0.split(separator: UInt8(ascii: " ")).last ?? [], as: UTF8.self) }
    return "\(words.dropFirst().first ?? "?") to \(method ?? "?")"
  }

  /// Of a request that of its start line, of a response that of CSeq.
  var method: String? {
    let line = isRequest ? lines.first?.prefix { $0 != UInt8(ascii: " ") } : value("cseq")?.split(separator: UInt8(ascii: " ")).last
    return line.map { String(decoding: $0, as: UTF8.self) }
  }

  /// nil for a request.
  var status: UInt16? {
    guard !isRequest, let words = lines.first?.split(separator: UInt8(ascii: " ")), words.count > 1 else { return nil }
    return UInt16(String(decoding: words[1], as: UTF8.self))
  }

  var callID: [UInt8]? {
    guard let line = value("call-id", "i") else { return nil }
    return Array(line.drop { $0 == UInt8(ascii: " ") })
  }

  /// The name of a header line in lower case; nil for the start line, folded lines and others.
  static func headerName(_ line: [UInt8]) -> String? {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), let first = line.first, first != 0x20, first != 0x09 else { return nil }
    return String(decoding: line[..<colon].filter { $0 != 0x20 && $0 != 0x09 }, as: UTF8.self).lowercased()
  }

  private func index(_ name: String, _ short: String? = nil) -> Int? {
    lines.indices.dropFirst().first { index in
      let found = Self.headerName(lines[index])
      return found == name || (found != nil && found == short)
    }
  }

  private func value(_ name: String, _ short: String? = nil) -> ArraySlice<UInt8>? {
    guard let index = index(name, short), let colon = lines[index].firstIndex(of: UInt8(ascii: ":")) else { return nil }
    return lines[index][(colon + 1)...]
  }

  /// What Content-Length says; nil = it is missing or not a number.
  var contentLength: UInt64? {
    get {
      guard let index = index("content-length", "l"), let colon = lines[index].firstIndex(of: UInt8(ascii: ":")) else { return nil }
      return UInt64(String(decoding: lines[index][(colon + 1)...].filter { $0 != 0x20 }, as: UTF8.self))
    }
    set {
      guard let newValue, let index = index("content-length", "l") else { return }
      guard let colon = lines[index].firstIndex(of: UInt8(ascii: ":")) else { return }
      lines[index] = lines[index][...colon] + Array(" \(newValue)".utf8)
    }
  }
}
