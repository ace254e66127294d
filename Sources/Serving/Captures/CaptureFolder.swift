import Capture
import FoundationEssentials
import SansIO

/// The folder that a live host's captures go to: names, numbers that go on where an earlier run ended, and what went wrong.
final class CaptureFolder {
  enum Kind: String, CaseIterable { case call, connection, other }

  private struct Trouble: Hashable {
    var operation: CaptureFailure.Operation
    var code: Int32
  }

  let path: String
  /// Bytes of a file that grows without end before the next one is begun.
  let rotation: Int
  /// Whether files have secrets, or what secrets open.
  let keepsSecrets: Bool
  private let host: String
  private let epoch: Epoch
  private var lastNumbers: [Kind: Int] = [:]
  private var troubles: Set<Trouble> = []
  /// Takes what the log should know.
  var onEvent: ((CaptureEvent) -> Void)?
  private(set) var failure: CaptureFailure?
  /// Packets of closed files that could not be written.
  private(set) var unwritten = 0

  init(_ path: String, host: String, epoch: Epoch, rotation: Int, keepsSecrets: Bool = true) {
    self.path = path
    self.keepsSecrets = keepsSecrets
    self.rotation = rotation
    self.host = host
    self.epoch = epoch
    for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
      guard let (kind, number) = Self.number(of: name) else { continue }
      lastNumbers[kind] = max(lastNumbers[kind, default: 0], number)
    }
  }

  /// `call-00017-…` is call 17.
  private static func number(of name: String) -> (Kind, Int)? {
    let words = name.split(separator: ".", maxSplits: 1)[...].first?.split(separator: "-") ?? []
    guard words.count >= 2, let kind = Kind(rawValue: String(words[0])), let number = Int(words[1]), number >= 0 else { return nil }
    return (kind, number)
  }

  /// The next number of this kind, in five digits or more, behind its word: `call-00017`.
  func nextName(_ kind: Kind) -> String {
    let number = lastNumbers[kind, default: 0] + 1
    lastNumbers[kind] = number
    let digits = String(number)
    return "\(kind.rawValue)-\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits)"
  }

  /// Text as a part of a file's name: letters, digits, `.`, `_` and `-` of it, at most 40.
  static func namePart(_ text: String) -> String {
    String(
      text.unicodeScalars.prefix(40).map { scalar -> Character in
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-": Character(scalar)
        default: "-"
        }
      })
  }

  /// - Parameter isTwin: the file is in clear, whatever its call has of SRTP.
  func file(named name: String, comment: String = "", isTwin: Bool = false, keepsOpen: Bool = false) -> LiveCaptureFile {
    LiveCaptureFile(
      path: "\(path)/\(name)", host: host, epoch: epoch, comment: comment,
      secrecy: keepsSecrets ? isTwin ? .clearTwin : .kept : .removed, keepsOpen: keepsOpen
    ) { [unowned self] in
      tell($0)
    }
  }

  /// A full disk is said once, not once a file.
  func tell(_ event: CaptureEvent) {
    switch event {
    case .failed(let problem):
      if failure == nil { failure = problem }
      guard troubles.insert(Trouble(operation: problem.operation, code: problem.code)).inserted else { return }
    case .incomplete(_, let packets): unwritten += packets
    case .callOpened, .connectionOpened: break
    }
    onEvent?(event)
  }
}
