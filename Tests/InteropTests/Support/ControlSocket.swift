import Foundation
import Glibc
import Synchronization

/// baresip's `ctrl_tcp`: JSON commands and events, each a netstring, over one TCP connection.
final class ControlSocket: Sendable {
  /// Events and answers, one JSON text a line.
  let transcript: Transcript
  private let descriptor: Int32

  struct Refused: Error {}

  init(address: String, port: UInt16) throws {
    transcript = Transcript("baresip's control")
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    inet_pton(AF_INET, address, &name.sin_addr)
    let status = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard status == 0 else {
      close(descriptor)
      throw Refused()
    }
    Thread.detachNewThread { [transcript, descriptor] in
      Self.read(descriptor, transcript)
      transcript.end()
      close(descriptor)
    }
  }

  /// Ends the connection; its thread closes the socket.
  func end() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// One of baresip's long commands: `dial`, `hold`, `resume`, `hangup`, `accept`.
  func command(_ name: String, _ parameters: String? = nil) {
    var fields = ["command": name, "token": name]
    fields["params"] = parameters
    guard let json = try? JSONSerialization.data(withJSONObject: fields) else { return }
    let text = Data("\(json.count):".utf8) + json + Data(",".utf8)
    _ = text.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  /// `LENGTH:JSON,` until the connection ends.
  private static func read(_ descriptor: Int32, _ transcript: Transcript) {
    var waiting: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 8_192)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { return }
      waiting += buffer[..<count]
      while let colon = waiting.firstIndex(of: UInt8(ascii: ":")), let length = Int(String(decoding: waiting[..<colon], as: UTF8.self)),
        waiting.count >= colon + 2 + length
      {
        transcript.take(String(decoding: waiting[(colon + 1)...(colon + length)], as: UTF8.self))
        waiting.removeFirst(colon + 2 + length)
      }
    }
  }
}
