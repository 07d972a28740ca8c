Console.WriteLine("Perdure.CrashTests.Victim: nothing to run yet.");
