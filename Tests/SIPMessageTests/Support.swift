import Foundation
import SIPMessage
import SansIO

/// A message written with one line a line; line ends become CRLF, and the empty line before the body is added when there is none.
func sip(_ text: String) -> Bytes {
  let lines = text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
  return Bytes(lines.contains("\r\n\r\n") ? lines : lines + "\r\n\r\n")
}

func parsed(_ text: String) throws -> SIPMessage { try SIPMessage.parse(sip(text)) }

/// A file below `fixtures/`.
func fixture(_ path: String) throws -> Bytes {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  return Bytes([UInt8](try Data(contentsOf: root.appendingPathComponent("fixtures").appendingPathComponent(path))))
}

/// Where requests come from, and who answers them.
let source = TransportAddress("192.0.2.20:40000") ?? .init(.anyV4, port: 0)
let host = IPAddress("198.51.100.10") ?? .anyV4
