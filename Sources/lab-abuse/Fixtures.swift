import Foundation
import SansIO

/// The messages of `fixtures/torture` and `fixtures/sip`, as bytes.
enum Fixtures {
  static func load(_ folder: String) throws -> [[UInt8]] {
    let paths = ((try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []).sorted()
    let messages = paths.filter { $0.hasPrefix("torture/") && $0.hasSuffix(".txt") || $0.hasPrefix("sip/") }.compactMap { path in
      FileManager.default.contents(atPath: "\(folder)/\(path)").flatMap { message([UInt8]($0)) }
    }
    guard messages.count > 50 else { throw CocoaError(.fileReadNoSuchFile, userInfo: [NSFilePathErrorKey: "\(folder)/torture"]) }
    return messages
  }

  /// What follows `---`, with CRLF at the end of each line; its escapes stay as they are, since they will be broken anyway.
  private static func message(_ file: [UInt8]) -> [UInt8]? {
    let text = String(decoding: file, as: UTF8.self)
    let body = text.range(of: "\n---\n").map { String(text[$0.upperBound...]) } ?? text
    guard !body.isEmpty else { return nil }
    return Array(body.replacing("\r\n", with: "\n").replacing("\n", with: "\r\n").replacing("{{length}}", with: "0").utf8)
  }
}

/// Breaks messages, the same way for the same seed.
struct Breaker {
  private let messages: [[UInt8]]
  private var generator: SeededGenerator
  /// In names of calls, so that those of a second run are other calls.
  let turn: Int
  /// What did not go as a storm wants it.
  private(set) var complaints: [String] = []

  init(_ messages: [[UInt8]], seed: UInt64, turn: Int) {
    self.messages = messages
    self.turn = turn
    generator = SeededGenerator(seed: seed)
  }

  mutating func complain(_ text: String) { complaints.append(text) }

  mutating func below(_ limit: Int) -> Int { limit < 1 ? 0 : Int(generator.next() % UInt64(limit)) }

  /// One of the messages with one to four breaks.
  mutating func next() -> [UInt8] {
    var bytes = messages[below(messages.count)]
    for _ in 0...below(4) { smash(&bytes) }
    return bytes
  }

  private mutating func smash(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    let place = below(bytes.count)
    switch below(8) {
    case 0: bytes[place] ^= 1 << UInt8(below(8))
    case 1: bytes[place] = UInt8(below(256))
    case 2: bytes.removeSubrange(place..<min(bytes.count, place + below(40)))
    case 3: bytes = Array(bytes[..<place])
    case 4: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + below(200))], at: place)
    case 5: bytes.insert(contentsOf: (0..<below(60)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }, at: place)
    case 6: bytes.replaceSubrange(place..<min(bytes.count, place + 8), with: "4294967296999999".utf8)
    default:
      let other = messages[below(messages.count)]
      bytes = Array(bytes[..<place]) + other[below(other.count)...]
    }
  }
}
