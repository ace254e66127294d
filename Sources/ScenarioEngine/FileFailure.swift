import FoundationEssentials

/// Why a file cannot be read or written, in words of a person.
public enum FileFailure {
  /// - Parameter error: what Foundation threw.
  public static func reason(_ error: any Error) -> String {
    if let code = (error as? POSIXError)?.code { return words(code) }
    guard let error = error as? CocoaError else { return "\(error)" }
    if let code = (error.underlying as? POSIXError)?.code { return words(code) }
    switch error.code {
    case .fileReadNoPermission, .fileWriteNoPermission: return "permission denied"
    case .fileReadNoSuchFile, .fileNoSuchFile: return "no such file or folder"
    case .fileWriteOutOfSpace: return "no space is left on the device"
    case .fileWriteVolumeReadOnly: return "the file system is read-only"
    case .fileWriteFileExists: return "a file of that name exists"
    case .fileReadInvalidFileName, .fileWriteInvalidFileName: return "the name is not valid"
    case .fileReadTooLarge: return "the file is too large"
    default: return "unknown error"
    }
  }

  /// The sentences of `errno(3)`, for what happens to files.
  static func words(_ code: POSIXError.Code) -> String {
    switch code {
    case .EACCES, .EPERM: "permission denied"
    case .ENOENT: "no such file or folder"
    case .ENOTDIR: "a part of the path is not a folder"
    case .EISDIR: "it is a folder"
    case .EEXIST: "a file of that name exists"
    case .ENOSPC, .EDQUOT: "no space is left on the device"
    case .EROFS: "the file system is read-only"
    case .ENAMETOOLONG: "the name is too long"
    case .ELOOP: "too many levels of symbolic links"
    case .EMFILE, .ENFILE: "too many files are open"
    case .ETXTBSY: "a running program has it open"
    case .EIO: "the device reports an error"
    default: "error \(code.rawValue) of the system"
    }
  }
}
