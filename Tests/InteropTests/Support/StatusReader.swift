import Foundation
import Glibc

/// `status.json` of a running `serve`, as another program reads it.
struct StatusReader: Sendable {
  struct Status: Decodable, Hashable {
    struct Call: Decodable, Hashable {
      var leg: Int
      var callID: String
      var account: String?
      var state: String
      var since: Date
      var codec: String?
      var sent: Int
      var received: Int
      var capture: String?
    }
    struct Account: Decodable, Hashable {
      var name: String
      var up: Int
      var cap: Int
    }
    var version: Int
    var since: Date
    var legs: Int
    var calls: [Call]
    var accounts: [Account]
  }

  let path: String
  private let served: Companion

  /// - Parameter folder: the one that `--out` names.
  init(_ folder: String, of served: Companion) {
    path = "\(folder)/status.json"
    self.served = served
  }

  func text() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  static func parse(_ text: String) throws -> Status {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .custom { decoder in
      let container = try decoder.singleValueContainer()
      let text = try container.decode(String.self)
      return try Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text)
    }
    return try decoder.decode(Status.self, from: Data(text.utf8))
  }

  /// Reads until a status is so; each reading has to be a whole one.
  func first(_ what: String, within limit: Duration = .seconds(15), where isSo: (Status) -> Bool) async throws -> Status {
    let clock = ContinuousClock()
    let end = clock.now.advanced(by: limit)
    while true {
      let text = try text()
      let status = try Self.parse(text)
      if isSo(status) { return status }
      guard clock.now < end else { throw Transcript.Missing(description: "status.json never was \(what), but at last:\n\(text)") }
      await pause()
    }
  }

  /// A moment in which `serve` goes on.
  func pause() async { _ = await served.transcript.isSilent(about: "a line that it never says", for: .milliseconds(5)) }

  /// The file that has the name now, held open: what is renamed over it does not change it.
  final class Held {
    private let descriptor: Int32

    init(_ path: String) { descriptor = open(path, O_RDONLY | O_CLOEXEC) }
    deinit { close(descriptor) }

    var text: String {
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      let count = pread(descriptor, &buffer, buffer.count, 0)
      return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }

    /// Names that still lead to it.
    var names: Int {
      var facts = stat()
      return fstat(descriptor, &facts) == 0 ? Int(facts.st_nlink) : -1
    }
  }
}
