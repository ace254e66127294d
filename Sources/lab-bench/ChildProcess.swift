import Foundation
import Glibc

/// A program that is measured from outside (getrusage(2)).
enum ChildProcess {
  struct Usage {
    /// Seconds of processor, user and system.
    var seconds: Double
    /// MB at its peak. The program that started it counts as well, until the child has its own memory: that has to be the smaller one.
    var megabytes: Double
    var status: Int32
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// Runs a program to its end, without its output.
  static func run(_ command: [String]) throws -> Usage {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in [STDOUT_FILENO, STDERR_FILENO] {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
    }
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var child = pid_t()
    let failure = posix_spawn(&child, command[0], &actions, nil, &arguments, environ)
    guard failure == 0 else { throw Failure(description: "\(command[0]): \(String(cString: strerror(failure)))") }
    var (status, usage) = (Int32(0), rusage())
    guard wait4(child, &status, 0, &usage) == child else {
      throw Failure(description: "\(command[0]): \(String(cString: strerror(errno)))")
    }
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return Usage(
      seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime), megabytes: Double(usage.ru_maxrss) * 1_024 / 1e6, status: status)
  }
}
