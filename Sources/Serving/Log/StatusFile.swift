import FoundationEssentials
import Glibc
import Kallglot
import SansIO
import ScenarioModel

/// What a served endpoint is doing, for programs: `status.json`, replaced by renaming, so that a reader always finds a whole one.
///
/// `{version, since, legs, calls: [{leg, callID, account, state, since, codec, sent, received, capture}], accounts: [{name, up, cap}],
/// judged: {calls, findings: [{rule, severity, count}]}}`
struct StatusFile {
  static let version = 1

  /// One call that is up or being set up.
  struct Call {
    var entry: CallBook.Entry
    /// RTP packets.
    var sent: Int
    var received: Int
    /// Path of its capture.
    var capture: String?
  }

  let path: String
  private let time: WallTime
  private(set) var isFailing = false

  init(folder: String, time: WallTime) {
    path = "\(folder)/status.json"
    self.time = time
  }

  /// The number of the last leg that an earlier run of the same folder told; 0 where there is none.
  static func lastLeg(folder: String) -> Int {
    struct Document: Decodable { var legs: Int }
    guard let data = try? Data(contentsOf: URL(filePath: "\(folder)/status.json")) else { return 0 }
    return max(0, (try? JSONDecoder().decode(Document.self, from: data))?.legs ?? 0)
  }

  /// - Parameter judged: what was read off the packets; nil where nobody judges.
  func text(_ calls: [Call], accounts: [(name: String, up: Int, cap: Int)], legs: Int, judged: JSONValue? = nil) -> String {
    let judged = judged.map { [("judged", $0)] } ?? []
    return JSONValue.object(
      [
        ("version", .integer(Self.version)), ("since", .string(time.text(Instant(nanoseconds: 0)))), ("legs", .integer(legs)),
        ("calls", .array(calls.map(json))),
        (
          "accounts",
          .array(
            accounts.map { account in
              .object([("name", .string(account.name)), ("up", .integer(account.up)), ("cap", .integer(account.cap))])
            })
        ),
      ] + judged
    ).document + "\n"
  }

  private func json(_ call: Call) -> JSONValue {
    let entry = call.entry
    return .object([
      ("leg", .integer(entry.number)), ("callID", .string(entry.facts.callID)),
      ("account", entry.account.isEmpty ? .null : .string(entry.account)), ("state", .string(entry.state.rawValue)),
      ("since", .string(time.text(entry.since))), ("codec", entry.codec.map { .string($0) } ?? .null), ("sent", .integer(call.sent)),
      ("received", .integer(call.received)), ("capture", call.capture.map { .string($0) } ?? .null),
    ])
  }

  /// - Returns: what went wrong, the first time.
  mutating func replace(with text: String) -> String? {
    let draft = "\(path).new"
    let bytes = Array(text.utf8)
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    var isWritten = false
    if descriptor >= 0 {
      isWritten = write(descriptor, bytes, bytes.count) == bytes.count
      close(descriptor)
    }
    if isWritten, rename(draft, path) == 0 {
      isFailing = false
      return nil
    }
    let reason = String(cString: strerror(errno))
    defer { isFailing = true }
    return isFailing ? nil : "\(path) cannot be written: \(reason)"
  }
}
