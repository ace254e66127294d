import Foundation
import SansIO

/// One file of `fixtures/torture/`: what it is about, what is expected, and the message.
///
/// Above `---` stand `key: value` lines: `section`, `point`, `why` (the RFC's reason), `choice` (where it leaves one), `over` (udp, tcp,
/// udp6), `policy` (open, digest), `parse` (accepted, or a part of the error), `fault` (weight and a part of its text; as many as there
/// are), `reads` (a typed reading), `answer` (statuses in order, or none), `has` (a line of the answer, `~` = begins with), `closes`.
///
/// Below stands the message, one line a line; each ends with CRLF. `{{0D 0A}}` are bytes, `{{30*text}}` repeats, `{{length}}` is the number
/// of bytes behind the first empty line, `{{join}}` at the end of a line leaves its line end out.
struct TortureCase: Sendable, CustomStringConvertible {
  var path: String
  var values: [(key: String, value: String)]
  var message: Bytes

  var description: String { path }

  func first(_ key: String) -> String? { values.first { $0.key == key }?.value }
  func all(_ key: String) -> [String] { values.filter { $0.key == key }.map(\.value) }

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// All files of `fixtures/torture`, sorted.
  static let all: [TortureCase] = {
    let folder = root.appendingPathComponent("fixtures/torture").path
    let paths = ((try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".txt") }.sorted()
    return paths.compactMap { path in
      (try? String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8)).flatMap { TortureCase(path: path, text: $0) }
    }
  }()

  init?(path: String, text: String) {
    guard let cut = text.range(of: "\n---\n") else { return nil }
    self.path = path
    values = text[..<cut.lowerBound].split(separator: "\n").compactMap { line in
      guard let colon = line.range(of: ": ") else { return nil }
      return (String(line[..<colon.lowerBound]), String(line[colon.upperBound...]))
    }
    message = Bytes(Self.expanded(String(text[cut.upperBound...])))
  }

  /// The bytes that a text with escapes stands for.
  static func expanded(_ text: String) -> [UInt8] {
    var lines: [[UInt8]] = []
    let source = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in source.enumerated() {
      let isJoined = line.hasSuffix("{{join}}")
      var bytes = unescaped(isJoined ? String(line.dropLast(8)) : String(line))
      if !isJoined, index < source.count - 1 { bytes += [13, 10] }
      lines.append(bytes)
    }
    let all = lines.flatMap(\.self)
    let empty = Array("\r\n\r\n".utf8)
    let header = (0...max(0, all.count - 4)).first { $0 + 4 <= all.count && all[$0..<$0 + 4].elementsEqual(empty) }
    let mark = Array("{{length}}".utf8)
    guard let header, all.count >= mark.count else { return all }
    let length = Array("\(all.count - header - 4)".utf8)
    var result: [UInt8] = []
    var index = 0
    while index < all.count {
      if index < header, all[index...].starts(with: mark) {
        result += length
        index += mark.count
      } else {
        result.append(all[index])
        index += 1
      }
    }
    return result
  }

  private static func unescaped(_ line: String) -> [UInt8] {
    var result: [UInt8] = []
    var rest = line[...]
    while let open = rest.range(of: "{{"), let close = rest[open.upperBound...].range(of: "}}") {
      result += rest[..<open.lowerBound].utf8
      let inner = rest[open.upperBound..<close.lowerBound]
      rest = rest[close.upperBound...]
      if inner == "length" {
        result += "{{length}}".utf8
      } else if let star = inner.firstIndex(of: "*"), let count = Int(inner[..<star]) {
        for _ in 0..<count { result += inner[inner.index(after: star)...].utf8 }
      } else {
        result += inner.split(separator: " ").compactMap { UInt8($0, radix: 16) }
      }
    }
    return result + Array(rest.utf8)
  }
}
