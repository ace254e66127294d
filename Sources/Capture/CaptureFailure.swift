import Glibc

/// The operating system refused a file operation. A value, never a trap: a full disk must not end a run.
public struct CaptureFailure: Error, Hashable, Sendable {
  public enum Operation: String, Hashable, Sendable {
    case createFolder = "create the folder"
    case open, write, read, close, rename
  }

  public var operation: Operation
  public var path: String
  /// The system's error number.
  public var code: Int32

  public init(_ operation: Operation, _ path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
  }
}

extension CaptureFailure: CustomStringConvertible {
  /// `"cannot write out/alice.pcapng: No space left on device"`.
  public var description: String { "cannot \(operation.rawValue) \(path): \(String(cString: strerror(code)))" }
}

/// The few file operations that captures need.
public enum FileSystem {
  /// Makes `path` and the folders above it; what is there already stays.
  static func createFolder(_ path: String) -> CaptureFailure? {
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      made += made.isEmpty || made == "/" ? String(part) : "/\(part)"
      if mkdir(made, 0o755) != 0, errno != EEXIST { return CaptureFailure(.createFolder, made, code: errno) }
    }
    return nil
  }

  static func replace(_ path: String, with newer: String) -> CaptureFailure? {
    rename(newer, path) == 0 ? nil : CaptureFailure(.rename, path, code: errno)
  }

  public static func remove(_ path: String) { _ = unlink(path) }

  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Whether two paths are one file.
  public static func isSame(_ one: String, _ other: String) -> Bool {
    var (first, second) = (stat(), stat())
    return stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }
}
