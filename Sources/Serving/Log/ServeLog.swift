import Glibc
import SIPMessage
import SansIO
import Synchronization

/// The log of a live host: lines with the time on the wall, to the console and, when there is a folder, to the end of a file in it.
///
/// A file that cannot be written is said once on the console, and tried again with each line: it never stops the host.
public final class ServeLog: Sendable {
  private struct File {
    var descriptor: Int32 = -1
    var isFailing = false
  }

  public let path: String?
  private let time: WallTime
  private let console: @Sendable (String) -> Void
  private let file = Mutex(File())

  public init(epoch: Epoch, path: String? = nil, console: @escaping @Sendable (String) -> Void) {
    time = WallTime(epoch: epoch)
    self.path = path
    self.console = console
  }

  deinit {
    file.withLock { if $0.descriptor >= 0 { close($0.descriptor) } }
  }

  public func line(_ text: String, at now: Instant) {
    // A peer's text cannot begin a line of its own or move the cursor.
    let line = "\(time.text(now))  \(PlainText.escapingControls(text))"
    console(line)
    guard let path else { return }
    if let trouble = file.withLock({ Self.write(line + "\n", to: path, &$0) }) {
      console("\(time.text(now))  \(path) cannot be written: \(trouble); the log continues here")
    }
  }

  /// - Returns: what went wrong, the first time.
  private static func write(_ line: String, to path: String, _ file: inout File) -> String? {
    if file.descriptor < 0 { file.descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644) }
    let bytes = Array(line.utf8)
    if file.descriptor >= 0, Glibc.write(file.descriptor, bytes, bytes.count) == bytes.count {
      file.isFailing = false
      return nil
    }
    let reason = String(cString: strerror(errno))
    if file.descriptor >= 0 { close(file.descriptor) }
    file.descriptor = -1
    defer { file.isFailing = true }
    return file.isFailing ? nil : reason
  }
}
