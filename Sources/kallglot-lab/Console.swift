import Foundation
import Synchronization

/// Standard output and standard error of the program. What a full disk or a closed pipe does not take crashes nothing.
enum Console {
  /// The system's error of the first write to standard output that failed; 0 = none did.
  private static let trouble = Atomic<Int32>(0)
  private static let isOptional = Atomic<Bool>(false)

  /// Why standard output lacks something that its reader waits for.
  static var failure: String? {
    let code = trouble.load(ordering: .relaxed)
    return code == 0 || isOptional.load(ordering: .relaxed) ? nil : String(cString: strerror(code))
  }

  /// For a program with calls: they go on when nobody reads its lines any more, and its exit code says how they ended.
  static func becomeOptional() {
    isOptional.store(true, ordering: .relaxed)
    signal(SIGPIPE, SIG_IGN)
  }

  /// A file at its limit of size (RLIMIT_FSIZE) is an error of the write, as a full disk is, and not a signal that ends the program.
  static func makeFullFilesErrors() { signal(SIGXFSZ, SIG_IGN) }

  static func write(_ text: String) {
    guard let code = write(text, to: STDOUT_FILENO) else { return }
    _ = trouble.compareExchange(expected: 0, desired: code, ordering: .relaxed)
  }

  /// A line on standard error.
  static func complain(_ line: String) { _ = write("\(line)\n", to: STDERR_FILENO) }

  /// - Returns: the system's error.
  private static func write(_ text: String, to descriptor: Int32) -> Int32? {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return count == 0 ? EIO : errno }
      rest = rest.dropFirst(count)
    }
    return nil
  }
}

/// Lines for people, at once even into a pipe.
func say(_ line: String) { Console.write("\(line)\n") }
