import SansIO

/// SIP without what SRTP is keyed by: m= lines say RTP/AVP, keys and fingerprints become `a=x-lab-removed`, Content-Length fits again.
public enum ClearMessage {
  private static let removed = Array("a=x-lab-removed".utf8)
  private static let profiles: [(String, String)] = [
    ("RTP/SAVP", "RTP/AVP"), ("RTP/SAVPF", "RTP/AVPF"), ("UDP/TLS/RTP/SAVP", "RTP/AVP"), ("UDP/TLS/RTP/SAVPF", "RTP/AVPF"),
    ("TCP/TLS/RTP/SAVP", "TCP/RTP/AVP"), ("TCP/DTLS/RTP/SAVP", "TCP/RTP/AVP"),
  ]
  private static let lineFeed = UInt8(10)

  /// The message as it would be without SRTP; nil where nothing changes.
  public static func edited(_ message: Bytes) -> Bytes? {
    guard let body = bodyStart(message), body < message.count, describes(message[0..<body]) else { return nil }
    guard let description = editedLines(message[body..<message.count], line) else { return nil }
    let header = editedLines(message[0..<body]) { contentLength($0, description.count) } ?? message[0..<body].array
    return Bytes(header + description)
  }

  /// Where the body begins: behind the first empty line.
  static func bodyStart(_ message: Bytes) -> Int? {
    message.withSpan { span in
      var position = 0
      while position < span.count {
        if span[position] == lineFeed {
          if position + 1 < span.count, span[position + 1] == lineFeed { return position + 2 }
          if position + 2 < span.count, span[position + 1] == 13, span[position + 2] == lineFeed { return position + 3 }
        }
        position += 1
      }
      return nil
    }
  }

  /// The length that a header declares for its body.
  static func declaredLength(_ header: Bytes) -> Int? {
    for line in header.split(separator: lineFeed) {
      guard let value = value(of: line, ["content-length", "l"]) else { continue }
      let digits = value.text.split(separator: " ").first ?? ""
      return digits.count <= 9 ? Int(digits.filter { $0 != "\r" }) : nil
    }
    return nil
  }

  private static func describes(_ header: Bytes) -> Bool {
    header.split(separator: lineFeed).contains { line in
      guard let type = value(of: line, ["content-type", "c"])?.text.lowercased() else { return false }
      return type.contains("sdp") || type.contains("multipart/")
    }
  }

  /// What stands behind a field's name.
  private static func value(of line: Bytes, _ names: [String]) -> Bytes? {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon < 32 else { return nil }
    let name = line[0..<colon].text.lowercased().filter { $0 != " " && $0 != "\t" }
    return names.contains(name) ? line[colon + 1..<line.count] : nil
  }

  private static func contentLength(_ line: Bytes, _ count: Int) -> [UInt8]? {
    guard value(of: line, ["content-length", "l"]) != nil, let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
    return line[0...colon].array + Array(" \(count)".utf8)
  }

  // MARK: - Lines

  /// Lines keep their ends; nil where none changes.
  private static func editedLines(_ text: Bytes, _ edit: (Bytes) -> [UInt8]?) -> [UInt8]? {
    var result: [UInt8] = []
    var (start, isChanged) = (0, false)
    while start < text.count {
      let next = text[start..<text.count].firstIndex(of: lineFeed).map { start + $0 + 1 } ?? text.count
      var end = next
      while end > start, text[end - 1] == lineFeed || text[end - 1] == 13 { end -= 1 }
      if let changed = edit(text[start..<end]) {
        isChanged = true
        result += changed + text[end..<next].array
      } else {
        result += text[start..<next].array
      }
      start = next
    }
    return isChanged ? result : nil
  }

  private static func line(_ line: Bytes) -> [UInt8]? {
    guard line.count > 2, line[1] == UInt8(ascii: "=") else { return nil }
    switch line[0] {
    case UInt8(ascii: "k"): return removed
    case UInt8(ascii: "a"):
      let name = line[2..<line.count].prefix { $0 != UInt8(ascii: ":") }
      return ["crypto", "fingerprint", "key-mgmt"].contains(name.text.lowercased()) ? removed : nil
    case UInt8(ascii: "m"): return media(line)
    default: return nil
    }
  }

  /// `m=audio 10000 RTP/SAVP 0 101`
  private static func media(_ line: Bytes) -> [UInt8]? {
    var words = line.split(separator: 32, omittingEmptySubsequences: false).map(\.array)
    guard words.count > 2, let clear = profiles.first(where: { words[2] == Array($0.0.utf8) })?.1 else { return nil }
    words[2] = Array(clear.utf8)
    return Array(words.joined(separator: [32]))
  }
}
