import Foundation
import Glibc

/// A network namespace with nothing in it but loopback (namespaces(7)).
enum PrivateNetwork {
  private static let mark = "LAB_ABUSE_INSIDE"

  static var isInside: Bool { ProcessInfo.processInfo.environment[mark] != nil }

  /// Becomes the same program in a network of its own; returns only by throwing.
  static func enter() throws -> Never {
    setenv(mark, "1", 1)
    let program = "/proc/self/exe"
    let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: program)) ?? program
    let words = ["unshare", geteuid() == 0 ? "-n" : "-rn", "--", path] + CommandLine.arguments.dropFirst()
    var arguments = words.map { strdup($0) }
    arguments.append(nil)
    execv("/usr/bin/unshare", arguments)
    FileHandle.standardError.write(Data("lab-abuse: no network of its own: \(String(cString: strerror(errno))) (unshare)\n".utf8))
    Glibc.exit(3)
  }

  /// A new network's loopback is down (netdevice(7)).
  static func raiseLoopback() {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { Glibc.close(descriptor) }
    // struct ifreq: 16 bytes of name, then here a short of flags.
    var request = [UInt8](repeating: 0, count: 40)
    request.replaceSubrange(0..<2, with: Array("lo".utf8))
    request[16] = UInt8(IFF_UP | IFF_RUNNING)
    let setFlags: UInt = 0x8914  // SIOCSIFFLAGS
    request.withUnsafeMutableBytes { bytes in if let start = bytes.baseAddress { _ = ioctl(descriptor, setFlags, start) } }
  }
}

enum FileDescriptors {
  /// The soft limit becomes the hard one: a storm holds thousands of connections.
  static func raiseLimit() {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
