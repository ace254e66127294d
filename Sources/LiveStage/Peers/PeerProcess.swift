import Glibc
import SansIO

/// Runs a program to its end without a shell.
enum PeerProcess {
  struct Outcome: Hashable, Sendable {
    /// As a shell gives it: 128 and the signal for a program that was ended by one; nil = it did not start.
    var code: Int32?
    /// Standard output and errors together, or why it did not start.
    var output: String
  }

  /// More is cut off.
  private static let outputLimit = 1 << 20
  /// A command that has not ended by then is ended.
  static let patience: Duration = .seconds(20)

  /// Blocks until it has ended.
  static func run(_ words: [String]) -> Outcome {
    var ends: [Int32] = [0, 0]
    // Not a pipe: these can be kept from children that others start at the same moment.
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      return Outcome(code: nil, output: String(cString: strerror(errno)))
    }
    defer { close(ends[0]) }
    let (process, error) = spawn(words, output: ends[1])
    close(ends[1])
    guard let process else { return Outcome(code: nil, output: String(cString: strerror(error))) }
    let (output, isWhole) = read(ends[0])
    if !isWhole { kill(process, SIGKILL) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    let end = isWhole ? "" : "\nit was ended after \(patience.components.seconds) s"
    return Outcome(code: status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F, output: output + end)
  }

  private static func spawn(_ words: [String], output: Int32) -> (process: pid_t?, error: Int32) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, output, 2)
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    defer { for argument in arguments { free(argument) } }
    arguments.append(nil)
    var process: pid_t = 0
    let error = posix_spawnp(&process, words[0], &actions, nil, arguments, environ)
    return error == 0 ? (process, 0) : (nil, error)
  }

  /// Everything until the program's end, or its time is over.
  private static func read(_ descriptor: Int32) -> (output: String, isWhole: Bool) {
    let end = ContinuousClock.now.advanced(by: patience)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while true {
      let left = ContinuousClock.now.duration(to: end).wholeNanoseconds / 1_000_000
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&waiting, 1, Int32(max(0, left)))
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else { return (String(decoding: bytes, as: UTF8.self), false) }
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return (String(decoding: bytes, as: UTF8.self), true) }
      if bytes.count < outputLimit { bytes += buffer[..<count] }
    }
  }
}
